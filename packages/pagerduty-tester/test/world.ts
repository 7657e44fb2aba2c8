import { makeFolder } from "@internal/test/folder";
import { afterAll } from "vitest";
import { type FakePagerDuty, type FakePagerDutyOptions, startFakePagerDuty } from "../src/fake.ts";

export const token = "u+TokenThatNobodySees1";
export const from = "tester@example.com";

// After the file and not after the test: of concurrent tests vitest cannot tell whose end is meant.
const cleanUps: (() => unknown)[] = [];
export const afterFile = (cleanUp: () => unknown): void => void cleanUps.push(cleanUp);
afterAll(() => Promise.all(cleanUps.map((cleanUp) => cleanUp())));

/** A fake account of a test service and a sender beside the given people, gone after the file. */
export async function startAccount(options: FakePagerDutyOptions = {}): Promise<FakePagerDuty> {
  const fake = await startFakePagerDuty({
    token,
    services: [{ id: "PTEST" }],
    ...options,
    users: [...(options.users ?? []), { id: "PSENDER", email: from }],
  });
  afterFile(fake.close);
  return fake;
}

/** What the commands need to find a fake. */
export function environment(fake: FakePagerDuty): Record<string, string> {
  return {
    PAGERDUTY_API_URL: fake.url,
    PAGERDUTY_TOKEN: token,
    SERVICE_ID: "PTEST",
    FROM_EMAIL: from,
    SUBDOMAIN: "acme",
  };
}

/** A folder with a configuration, gone after the file. */
export function folderWith(files: Record<string, string>): string {
  const folder = makeFolder(files);
  afterFile(folder[Symbol.dispose]);
  return folder.path;
}

/** The cron of the minute that began last, so that a run is due now. */
export function cronOfNow(): string {
  const now = new Date();
  return `${now.getUTCMinutes()} ${now.getUTCHours()} * * * UTC`;
}
