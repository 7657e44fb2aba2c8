import { constants } from "node:os";
import { binOf, type RunningCli, startProcess } from "@internal/test/cli";
import { describe, expect, test } from "vitest";

/** Where Node cannot replace the process, as on Windows: the command runs as its child. */
function start(options: string[], ...command: string[]): RunningCli {
  const args = [...options, binOf("kube-leader"), "--name", "lock", "--", ...command];
  const env = { KUBE_LEADER_SERVICE_ACCOUNT_DIR: "/nowhere" };
  return startProcess(process.execPath, args, { env });
}
const withoutExecve = ["--import", "data:text/javascript,delete process.execve"];
/** Node's permission model has it, and forbids it. */
const restricted = ["--permission", "--allow-fs-read=*", "--allow-child-process"];

describe("the command as a child", () => {
  test.each([
    ["no execve", withoutExecve],
    ["the permission model", restricted],
  ])("with %s it has our streams and sees the variables", async (_, options) => {
    const cli = start(options, "sh", "-c", "echo parent $PPID");
    const { code, stdout } = await cli.ended;
    expect([code, stdout]).toEqual([0, `parent ${cli.pid}\n`]);
  });

  test.each([0, 7, 255])("its exit code %i is ours", async (expected) => {
    expect((await start(withoutExecve, "sh", "-c", `exit ${expected}`).ended).code).toBe(expected);
  });

  test.each(["SIGTERM", "SIGKILL", "SIGSEGV"] as const)(
    "its end by %s is 128 and the signal's number",
    async (name) => {
      const { ended } = start(withoutExecve, "sh", "-c", `kill -${name.slice(3)} $$`);
      const { code, signal } = await ended;
      expect([code, signal]).toEqual([128 + constants.signals[name], null]);
    },
  );

  // SIGUSR1 would start Node's inspector; SIGINT and SIGTERM would end a wait; SIGIO and SIGPOLL are one.
  test("every signal reaches it, once", async () => {
    const signals = [
      ...(["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGABRT"] as const),
      ...(["SIGALRM", "SIGCONT", "SIGIO", "SIGPIPE", "SIGPWR", "SIGSYS", "SIGTRAP"] as const),
      ...(["SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGVTALRM", "SIGWINCH"] as const),
      ...(["SIGXCPU", "SIGXFSZ"] as const),
    ];
    const script = `
      const signals = ${JSON.stringify(signals)};
      for (const name of signals) process.on(name, () => console.log("got " + name));
      process.once(signals.at(-1), () => setTimeout(() => process.exit(), 100)); // a second one would still be seen
      setInterval(() => {}, 1000);
      console.log("ready");`;
    const cli = start(withoutExecve, process.execPath, "-e", script);
    await cli.printed(/ready/);
    for (const name of signals) {
      cli.kill(name);
      await cli.printed(new RegExp(`got ${name}\n`));
    }
    const { stdout, stderr } = await cli.ended;
    expect(stdout).toBe(["ready", ...signals.map((name) => `got ${name}`), ""].join("\n"));
    expect(stderr).not.toMatch(/debugger/i);
  });
});
