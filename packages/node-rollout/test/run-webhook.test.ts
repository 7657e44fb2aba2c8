import { directNotification } from "@internal/test/aws/notifications";
import { type CliResult, type RunningCli, startCli } from "@internal/test/cli";
import { makeFolder } from "@internal/test/folder";
import { group, startRolloutWorld } from "@internal/test/rollout-world";
import { expect, test } from "vitest";
import { startReceiver } from "./receiver.ts";

/** A node that is to end, and the daemon with a webhook. */
async function startWorld(webhook: string, drain = "") {
  const world = await startRolloutWorld();
  const folder = makeFolder({
    "node-rollout.yaml": `queueUrl: ${world.queueUrl}
groups: [${group}]
webhook: {url: "${webhook}"}
drain: {${drain}}
`,
  });
  const [action] = world.aws.begin(group, "i-old");
  await world.send(directNotification(action!));
  const run = startCli("node-rollout", ["run", "--config", `${folder.path}/node-rollout.yaml`], {
    env: world.env,
  });
  return {
    ...{ world, action, run },
    async [Symbol.asyncDispose]() {
      await stop(run);
      folder[Symbol.dispose]();
      await world[Symbol.asyncDispose]();
    },
  };
}

function stop(run: RunningCli): Promise<CliResult> {
  run.kill("SIGTERM");
  return run.ended;
}

function setMostUnavailable(
  { kubernetes }: Awaited<ReturnType<typeof startRolloutWorld>>,
  maxUnavailable: number,
): void {
  const budget = kubernetes.get("poddisruptionbudgets", "web", "default")!;
  kubernetes.apply({ ...budget, spec: { ...(budget.spec as object), maxUnavailable } });
}

test("run posts begin, alarm and end of a drain, each until it is taken and then no more; the address is no news", async () => {
  // Every notification is refused once.
  await using receiver = await startReceiver((response, count) =>
    response.writeHead(count % 2 === 1 ? 503 : 204).end(),
  );
  await using started = await startWorld(receiver.url, "timeoutSeconds: 6");
  const { world, run } = started;
  setMostUnavailable(world, 0);
  const isAlarm = ({ event }: { event: string }) => event === "alarm";
  await expect.poll(() => receiver.bodies.filter(isAlarm), { timeout: 30_000 }).toHaveLength(2);
  setMostUnavailable(world, 1);
  await run.printed(/i-old: drained/);
  const bodies = await receiver.received(6);
  const { code, stdout, stderr } = await stop(run);

  expect(bodies.map(({ event }) => event)).toEqual([
    ...["begun", "begun", "alarm", "alarm", "drained", "drained"],
  ]);
  for (const index of [0, 2, 4]) expect(bodies[index + 1]).toEqual(bodies[index]);
  const [begun, , alarm, , drained] = bodies;
  const about = { instanceId: "i-old", node: "old", at: expect.stringMatching(/^\d{4}-.*Z$/) };
  expect(begun).toEqual({ ...about, event: "begun", text: "draining old (i-old)" });
  expect(alarm).toEqual({
    ...{ ...about, event: "alarm" },
    // All four pods wait for the same.
    text: "draining old (i-old) takes longer than it should: PodDisruptionBudget default/web: allows 0, 4 of 4 wanted are healthy",
    waits: Array(4).fill({
      ...{ code: "budget", object: "PodDisruptionBudget default/web" },
      ...{ message: "allows 0, 4 of 4 wanted are healthy", since: expect.any(String) },
    }),
  });
  expect(drained).toEqual({
    ...{ ...about, event: "drained", outcome: "drained" },
    text: expect.stringMatching(/^old \(i-old\): drained after \d+ s$/),
  });
  expect(code).toBe(0);
  expect(receiver.bodies).toHaveLength(6);
  expect(stdout + stderr).not.toContain("s3cret");
}, 90_000);

test("a receiver that never answers holds up neither the drain nor the end of the process", async () => {
  await using receiver = await startReceiver(() => {});
  await using started = await startWorld(receiver.url);
  const { action, run } = started;
  await run.printed(/i-old: drained/);
  const { code, stdout, stderr } = await stop(run);
  expect(action).toMatchObject({ state: "completed", result: "CONTINUE" });
  expect(receiver.bodies.map(({ event }) => event)).toContain("begun");
  // Not one of the attempts had been given up by then.
  expect(stderr).not.toContain("the webhook");
  expect(code).toBe(0);
  expect(stdout + stderr).not.toContain("s3cret");
});

test("a receiver that is not there is told once, without its address, and the drain goes on", async () => {
  const gone = await startReceiver(() => {});
  await gone[Symbol.asyncDispose]();
  await using started = await startWorld(gone.url);
  const { action, run } = started;
  await run.printed(/notify: the webhook cannot be reached \(ECONNREFUSED\)/);
  await run.printed(/i-old: drained/);
  const { code, stdout, stderr } = await stop(run);
  expect(action?.state).toBe("completed");
  expect(stderr.match(/the webhook/g)).toHaveLength(1);
  expect(code).toBe(0);
  expect(stdout + stderr).not.toContain("s3cret");
});

test("a webhook that is no URL ends the start by its place in the file, and is not shown", async () => {
  await using started = await startWorld("hooks.example/services/s3cret");
  const { code, stderr } = await started.run.ended;
  expect(code).toBe(2);
  expect(stderr).toMatch(/node-rollout\.yaml:3:\d+: webhook\.url: expected an http or https URL/);
  expect(stderr).not.toContain("s3cret");
});
