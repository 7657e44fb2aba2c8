import { chmodSync, copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binOf, runCli, startProcess } from "@internal/test/cli";
import { startFaultProxy } from "@internal/test/fault-proxy";
import { makeFolder } from "@internal/test/folder";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkSize } from "../src/command-path.ts";
import { type Candidates, startCandidates, through } from "./candidates.ts";

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

test("arguments arrive byte for byte", async () => {
  const args = ["", " a  b ", "--name", "ü\n\t$'\"", "--"];
  const { stdout } = await become("printf", "%s|", ...args);
  expect(stdout).toBe(args.map((arg) => `${arg}|`).join(""));
});

test("the environment arrives byte for byte, and nothing with it", async () => {
  const odd = { EMPTY: "", ODD: "ü\n\t$'\"=", "a.b-c": " ", NODE_TLS_REJECT_UNAUTHORIZED: "0" };
  const env = { ...outside, ...odd };
  const print = ["cat", "/proc/self/environ"];
  const { stdout } = await runCli("kube-leader", ["--name", "lock", "--", ...print], { env });
  const { PATH, HOME } = process.env;
  const expected = Object.entries({ PATH, HOME, ...env }).filter(
    ([, value]) => value !== undefined,
  );
  expect(stdout.split("\0").filter(Boolean).toSorted()).toEqual(
    expected.map(([name, value]) => `${name}=${value}`).toSorted(),
  );
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

test.each([
  ["SIGTERM", 143],
  ["SIGINT", 130],
] as const)("as process 1 of a pod, a waiter ends by %s with %i", async (name, expected) => {
  const lock = `init-${name.toLowerCase()}`;
  await candidates.start(candidates.pod(`${lock}-0`), [lock, "true"]).ended;
  // In a namespace of its own the waiter is process 1, to which the kernel gives no default for a signal.
  const inNamespace = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"];
  const unshare = [...inNamespace, "--pid", "--fork", "--kill-child"];
  const command = [process.execPath, binOf("kube-leader"), lock, "echo", "ran"];
  const env = candidates.pod(`${lock}-1`);
  const waiter = startProcess("unshare", [...unshare, ...command], { env });
  await waiter.printed(/waiting for/);
  const child = readFileSync(`/proc/${waiter.pid}/task/${waiter.pid}/children`, "latin1");
  process.kill(Number(child), name);
  expect(await waiter.ended).toMatchObject({ code: expected, stdout: "" });
});

test("a signal that comes while the program is still imported is heard", async () => {
  // Without a listener it would end this process by the signal, and process 1 not at all.
  const hook = `
    import { registerHooks } from "node:module";
    registerHooks({
      load(url, context, next) {
        if (url.endsWith("/src/main.ts")) process.kill(process.pid, "SIGTERM");
        return next(url, context);
      },
    });`;
  const command = [binOf("kube-leader"), "lock", "echo", "ran"];
  const options = ["--import", `data:text/javascript,${encodeURIComponent(hook)}`];
  const { ended } = startProcess(process.execPath, [...options, ...command], { env: outside });
  expect(await ended).toMatchObject({ code: 143, signal: null, stdout: "" });
});

test("as many files may be open as the hard limit allows, because Node raises the soft one", async () => {
  const script = 'ulimit -Sn 1024; ulimit -Hn 4096; exec "$@"';
  const shown = ["sh", "-c", "ulimit -Sn; ulimit -Hn"];
  const command = [process.execPath, binOf("kube-leader"), "lock", ...shown];
  const { ended } = startProcess("sh", ["-c", script, "sh", ...command], { env: outside });
  expect((await ended).stdout).toBe("4096\n4096\n");
});

describe("NODE_TLS_REJECT_UNAUTHORIZED=0, meant for the command,", () => {
  const insecure = { NODE_TLS_REJECT_UNAUTHORIZED: "0" };

  test("reaches it, and kube-leader prints what it always does", async () => {
    const env = { ...candidates.pod("tls-0"), ...insecure };
    const command = ["sh", "-c", "echo $NODE_TLS_REJECT_UNAUTHORIZED"];
    const { stdout, stderr } = await candidates.start(env, ["tls", ...command]).ended;
    expect([stdout, stderr]).toEqual(["0\n", "kube-leader: pod tls-0 leads tls\n"]);
  });

  test("leads to no API server that another authority vouches for", async () => {
    const env = candidates.pod("untrusted-0");
    await using other = await startFaultProxy(candidates.cluster.url);
    through(other, env); // its authority, and not its address
    const waiter = candidates.start({ ...env, ...insecure }, ["untrusted", "echo", "ran"]);
    await waiter.printed(/cannot reach the API server at .*certificate/);
    waiter.kill("SIGTERM");
    expect(await waiter.ended).toMatchObject({ code: 143, stdout: "" });
  });
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
