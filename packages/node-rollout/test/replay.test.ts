import { PassThrough } from "node:stream";
import { runCli } from "@internal/test/cli";
import { makeFolder } from "@internal/test/folder";
import { expect, test } from "vitest";
import { replayCommand } from "../src/commands/replay.ts";

const lifecycle = (transition: "TERMINATING" | "LAUNCHING") =>
  JSON.stringify({
    LifecycleTransition: `autoscaling:EC2_INSTANCE_${transition}`,
    AutoScalingGroupName: "workers",
    LifecycleHookName: "drain",
    EC2InstanceId: "i-0abc",
    LifecycleActionToken: "token",
  });

test.each([
  [
    lifecycle("TERMINATING"),
    0,
    "hook drain of group workers holds terminating instance i-0abc: heartbeat, cordon, drain, then CONTINUE, if the group is one of ours\n",
  ],
  [
    lifecycle("LAUNCHING"),
    0,
    "hook drain of group workers holds launching instance i-0abc: heartbeat until the node is ready, then CONTINUE, if the group is one of ours and there is a readiness block\n",
  ],
  [
    '{"Event":"autoscaling:TEST_NOTIFICATION"}',
    0,
    expect.stringMatching(/^ignored and deleted: .*TEST_NOTIFICATION/),
  ],
  ["no JSON", 1, ""],
])("replay says what run would make of %s", async (body, expected, text) => {
  using folder = makeFolder({ "message.json": body });
  const options = { cwd: folder.path };
  const fromFile = await runCli("node-rollout", ["replay", "message.json"], options);
  expect([fromFile.code, fromFile.stdout]).toEqual([expected, text]);
  expect(fromFile.stderr).toBe(
    expected === 0
      ? ""
      : "message.json: NOT_JSON: the body is no JSON; left for the dead-letter queue\n",
  );
  const fromStdin = await runCli("node-rollout", ["replay", "-"], { ...options, input: body });
  expect([fromStdin.code, fromStdin.stdout]).toEqual([expected, text]);
});

test("replay --format json gives the parsed message, beside the text where both are asked for", async () => {
  using folder = makeFolder({ "message.json": lifecycle("TERMINATING") });
  const formats = ["--format", "text", "--format", "json=parsed.json"];
  const { code, stdout } = await runCli("node-rollout", ["replay", "message.json", ...formats], {
    cwd: folder.path,
  });
  expect(code).toBe(0);
  expect(stdout).toContain("holds terminating instance i-0abc");
  const { default: parsed } = await import(`${folder.path}/parsed.json`, {
    with: { type: "json" },
  });
  expect(parsed).toMatchObject({
    kind: "lifecycle",
    asg: "workers",
    hook: "drain",
    token: "token",
  });
});

test("replay stops waiting for the standard input when it is told to end", async () => {
  const ending = new AbortController();
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const io = { stdin, stdout, stderr, env: {} };
  const run = replayCommand.run({ values: {}, positionals: ["-"], signal: ending.signal, io });
  ending.abort();
  await expect(run).rejects.toMatchObject({ name: "AbortError" });
});
