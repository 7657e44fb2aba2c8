import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { mutantProgress } from "../src/commands/progress.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => void vi.useRealTimers());

/** What is told about changes that take 25 s each. */
function told(isTTY: boolean): string {
  const stderr = Object.assign(new PassThrough().setEncoding("utf8"), { isTTY });
  const progress = mutantProgress(stderr as never);
  for (let done = 1; done <= 6; done++) {
    vi.advanceTimersByTime(25_000);
    progress(done, 6);
  }
  return stderr.read() ?? "";
}

test("a log gets a line a minute", () => {
  expect(told(false)).toBe(
    "rego-coverage: changes tried: 3 of 6\nrego-coverage: changes tried: 6 of 6\n",
  );
});

test("a terminal gets one line that counts up", () => {
  expect(told(true)).toMatch(/^\rchanges tried: 1 of 6\r.*\rchanges tried: 6 of 6\n$/s);
});
