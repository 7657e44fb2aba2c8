import { chmodSync, copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binOf, runCli, startProcess } from "@internal/test/cli";
import { makeFolder } from "@internal/test/folder";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkSize } from "../src/command-path.ts";
import { type Candidates, startCandidates } from "./candidates.ts";

let candidates: Candidates;
beforeAll(async () => {
  candidates = await startCandidates();
});
afterAll(() => candidates[Symbol.asyncDispose]());

const outside = { KUBE_LEADER_SERVICE_ACCOUNT_DIR: "/nowhere" };
const become = (...command: string[]) =>
  runCli("kube-leader", ["--name", "lock", "--", ...command], { env: outside });

test("no signal stays ignored in the command: Node ignores SIGPIPE and SIGXFSZ", async () => {
  const { stdout } = await become("grep", "SigIgn", "/proc/self/status");
  expect(stdout).toMatch(/^SigIgn:\t0{16}\n$/);
});

test("stdout and stderr stay blocking, though lines were written to them", async () => {
  const { stdout, stderr } = await become("cat", "/proc/self/fdinfo/1", "/proc/self/fdinfo/2");
  const flags = [...stdout.matchAll(/^flags:\t(\d+)$/gm)].map(([, octal]) =>
    Number.parseInt(octal ?? "", 8),
  );
  expect(stderr).toContain("running cat");
  expect(flags.map((flag) => flag & 0o4000)).toEqual([0, 0]);
});

test("arguments and environment arrive byte for byte", async () => {
  const args = ["", " a  b ", "--name", "ü\n\t$'\"", "--"];
  const { stdout } = await become("printf", "%s|", ...args);
  expect(stdout).toBe(args.map((arg) => `${arg}|`).join(""));
});

test.each([
  ["no #! line", "echo hello\n", /begins with #!/],
  ["an empty #! line", "#!\necho hello\n", /begins with #!/],
  ["an interpreter that is not there", "#!/no/such/interpreter\n", /\/no\/such\/interpreter/],
  ["line ends of Windows", "#!/bin/sh\r\necho hello\r\n", /carriage return/],
  ["a first line the kernel cuts", `#!/${"x".repeat(300)}\n`, /longer than 256 bytes/],
])("a script with %s is refused with 126, where execve would crash", async (_, text, message) => {
  using folder = makeFolder({ script: text });
  await become("chmod", "+x", `${folder.path}/script`);
  const { code, signal, stderr } = await become(`${folder.path}/script`);
  expect([code, signal, stderr]).toEqual([126, null, expect.stringMatching(message)]);
});

test("more than Linux takes is refused with 126, where execve would crash", () => {
  const tooMany = expect.objectContaining({ exitCode: 126 });
  expect(() => checkSize(["true", "x".repeat(131_072)], {})).toThrow(tooMany);
  const twoMegabytes = ["true", ...Array(21).fill("x".repeat(100_000))];
  expect(() => checkSize(twoMegabytes, {}, 8_388_608)).toThrow(tooMany);
  expect(() => checkSize(twoMegabytes, {}, 33_554_432)).not.toThrow();
  expect(() => checkSize(["true", "x".repeat(131_071)], {})).not.toThrow();
});

test("the stack's limit counts: what is too long for this one is refused with 126", async () => {
  // A quarter of 256 kB is left for arguments and variables.
  const script = `ulimit -s 256 && exec "$@"`;
  const command = [process.execPath, binOf("kube-leader"), "lock", "true", "x".repeat(70_000)];
  const { ended } = startProcess("sh", ["-c", script, "sh", ...command], { env: outside });
  const { code, signal, stderr } = await ended;
  expect([code, signal, stderr]).toEqual([126, null, expect.stringContaining("too long")]);
});

test.each([
  ["for another processor", { machine: process.arch === "arm64" ? 62 : 183 }],
  ["that is an object file", { type: 1 }],
  ["without anything to load", { entries: 0 }],
])("a program %s is refused with 126, where execve would crash", async (_, header) => {
  using folder = makeFolder();
  const program = join(folder.path, "program");
  writeFileSync(program, elf(header), { mode: 0o755 });
  const { code, signal, stderr } = await become(program);
  expect([code, signal, stderr]).toEqual([126, null, expect.stringContaining("exec format")]);
});

/** The head of a 64-bit little-endian program of this processor, or not quite. */
function elf({ machine = process.arch === "arm64" ? 183 : 62, type = 2, entries = 1 }): Buffer {
  const head = Buffer.alloc(4096);
  head.write("\x7fELF\x02\x01\x01", "latin1");
  head.writeUInt16LE(type, 16);
  head.writeUInt16LE(machine, 18);
  head.writeUInt32LE(64, 32);
  head.writeUInt16LE(56, 54);
  head.writeUInt16LE(entries, 56);
  return head;
}

test("as process 1 of a pod, a waiter ends by SIGTERM at once", async () => {
  await candidates.start(candidates.pod("init-0"), ["init", "true"]).ended;
  const env = candidates.pod("init-1");
  // In a namespace of its own the waiter is process 1, to which the kernel gives no default for a signal.
  const inNamespace = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"];
  const unshare = [...inNamespace, "--pid", "--fork", "--kill-child=SIGTERM"];
  const command = [process.execPath, binOf("kube-leader"), "init", "echo", "ran"];
  const waiter = startProcess("unshare", [...unshare, ...command], { env });
  await waiter.printed(/waiting for/);
  const began = performance.now();
  waiter.kill("SIGKILL"); // --kill-child passes SIGTERM on to process 1
  const { stdout } = await waiter.ended;
  expect(stdout).toBe("");
  // Its pipes close when process 1 has ended; the time is generous for a busy machine.
  expect(performance.now() - began).toBeLessThan(2_000);
});

test("a program that may be run but not read is run as a child: nobody can tell before whether execve would crash", async () => {
  using folder = makeFolder();
  const shell = join(folder.path, "shell");
  copyFileSync("/bin/sh", shell);
  chmodSync(shell, 0o111);
  // Without these root is bound by a file's mode as everybody is.
  const asAnybody = ["--bounding-set=-dac_override,-dac_read_search"];
  const command = [binOf("kube-leader"), "lock", shell, "-c", "echo parent $PPID"];
  const cli =
    process.getuid?.() === 0
      ? startProcess("setpriv", [...asAnybody, process.execPath, ...command], { env: outside })
      : startProcess(process.execPath, command, { env: outside });
  expect(await cli.ended).toMatchObject({ code: 0, stdout: `parent ${cli.pid}\n` });
});
