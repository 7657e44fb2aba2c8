import { expect, test } from "vitest";
import { startProcess } from "../cli.ts";
import { startCluster, useCluster } from "../cluster.ts";
import { makeFolder } from "../folder.ts";

/** Uses a cluster in the way the environment asks for, and says where it is. */
const ending = process.env["ENDING"];
const say = (text: string) => process.stdout.write(`${text}\n`);

test("uses the shared cluster, a folder that it does not remove, a process that it does not end", () => {
  const { path } = makeFolder({ file: "" });
  // As a daemon that a failed test does not come to end.
  startProcess(process.execPath, ["--eval", "setInterval(() => {}, 1000)", path]);
  say(`folder ${useCluster().folder} end\nfolder ${path} end`);
  expect(ending).not.toBe("failure");
});

test.runIf(ending === "interrupted")("hangs with a cluster of its own", async () => {
  const own = await startCluster();
  say(`folder ${own.folder} end`);
  say("both are up");
  await new Promise(() => {});
});
