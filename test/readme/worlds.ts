import { request } from "node:https";
import { startCandidates } from "../../packages/kube-leader/test/candidates.ts";
import { startFakePagerDuty } from "../../packages/pagerduty-tester/src/fake.ts";
import { startRolloutWorld } from "../rollout-world.ts";
import type { World } from "./sandbox.ts";

/** What the examples of each README need around them; a README that is not here needs nothing. */
export const worlds: Record<string, () => Promise<World>> = {
  "": everything,
  "packages/kube-leader": secondCandidate,
  "packages/pagerduty-tester": account,
  "packages/node-rollout": oldNode,
};

/** The shell is in pod reporter-1; reporter-0 holds the lock, and is deleted when somebody waits for it. */
async function secondCandidate(): Promise<World> {
  const candidates = await startCandidates();
  const first = candidates.start(candidates.pod("reporter-0"), ["reporter", "sleep", "600"]);
  await first.printed(/leads reporter/);
  const { url, ca, token } = candidates.cluster;
  let deleted = false;
  return {
    env: candidates.pod("reporter-1"),
    printed(output) {
      if (deleted || !output.includes("waiting for reporter")) return;
      deleted = true;
      const path = "/api/v1/namespaces/default/pods/reporter-0?gracePeriodSeconds=0";
      const headers = { authorization: `Bearer ${token}` };
      request(url + path, { method: "DELETE", ca, agent: false, headers }, (response) =>
        response.resume(),
      ).end();
    },
    close: () => candidates[Symbol.asyncDispose](),
  };
}

/** An account in which Ada answers her phone and Alan sleeps, both due in this minute. */
async function account(): Promise<World> {
  const fake = await startFakePagerDuty({
    token: "u+readme",
    services: [{ id: "PTEST" }],
    users: [
      { id: "PSENDER", email: "tester@example.com" },
      { id: "PADA001", answer: { after: 1, channel: "phone" } },
      { id: "PALAN01", answer: { after: "never" } },
    ],
  });
  const now = new Date();
  const cron = `${now.getUTCMinutes()} ${now.getUTCHours()} * * * UTC`;
  const people = `verifyMinutes: 0.05
users:
  - { name: Ada Lovelace, id: PADA001, cron: "${cron}" }
  - { name: Alan Turing, id: PALAN01, cron: "${cron}" }
`;
  return {
    env: {
      PAGERDUTY_API_URL: fake.url,
      PAGERDUTY_TOKEN: "u+readme",
      SERVICE_ID: "PTEST",
      FROM_EMAIL: "tester@example.com",
      SUBDOMAIN: "acme",
    },
    files: { "people.yaml": people },
    instead: { "pagerduty-tester fake": "pagerduty-tester fake --port 0" },
    daemons: { "pagerduty-tester fake": /export SERVICE_ID=.*\n/ },
    close: () => fake.close(),
  };
}

/** The shell is in a pod of a Deployment, and the account is that of the people in people.yaml. */
async function everything(): Promise<World> {
  const [candidates, people] = await Promise.all([startCandidates(), account()]);
  return {
    ...people,
    env: { ...people.env, ...candidates.pod("pagerduty-tester-0", "pagerduty-tester") },
    close: () => Promise.all([candidates[Symbol.asyncDispose](), people.close?.()]),
  };
}

/** Node `old` on instance i-old, with four pods of one Deployment; `new`, empty. */
async function oldNode(): Promise<World> {
  const world = await startRolloutWorld();
  return {
    env: world.env,
    instead: {
      "https://sqs.eu-west-1.amazonaws.com/123456789012/node-rollout": world.queueUrl,
      ":9090": "127.0.0.1:0",
    },
    daemons: { "node-rollout run": /"started"/ },
    close: () => world[Symbol.asyncDispose](),
  };
}
