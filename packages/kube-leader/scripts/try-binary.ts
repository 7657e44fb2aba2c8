/**
 * Tries the executables of `npm run build:binary` where they are for: in a bare Debian without Node. Checks every file
 * against SHA256SUMS. The one for another processor runs by qemu, registered in a namespace of its own, where
 * qemu-user-static is installed. Needs root and debootstrap, and takes some minutes, so the release does it and not
 * every change. `npm run try:binary -w kube-leader`
 */
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import packageJson from "../package.json" with { type: "json" };

const folder = join(import.meta.dirname, "../binary");
/** The oldest Debian that gets security updates: what runs there runs on the newer ones. */
const suite = "bookworm";
/** e_machine of an ELF header, and Debian's and qemu's names. */
const processors = {
  x64: { machine: "\\x3e", debian: "amd64", qemu: "x86_64" },
  arm64: { machine: "\\xb7", debian: "arm64", qemu: "aarch64" },
};
type Processor = keyof typeof processors;

/** What is looked at, the script that shows it, what the script prints and its exit code. */
const checks: [string, string, string][] = [
  ["there is no Node", "command -v node", "exit 127"],
  ["it says its version", "kube-leader --version", `${packageJson.version}\nexit 0`],
  [
    "it becomes the command: one process, its exit code",
    `export P=$$; exec kube-leader lock sh -c 'test $$ = $P; echo $?; exit 7'`,
    "0\nexit 7",
  ],
  [
    "NODE_OPTIONS in the container is the command's alone",
    `NODE_OPTIONS=--require=/nothing.cjs kube-leader lock sh -c 'echo $NODE_OPTIONS'`,
    "--require=/nothing.cjs\nexit 0",
  ],
  ["a command that is not there is 127", "kube-leader lock nothing", "exit 127"],
];

let failures = 0;
execFileSync("sha256sum", ["--check", "SHA256SUMS"], { cwd: folder, stdio: "inherit" });
for (const processor of Object.keys(processors) as Processor[]) {
  const emulator = emulatorOf(processor);
  if (processor === process.arch || existsSync(emulator)) tryIn(processor);
  else console.log(`kube-leader-linux-${processor}: not tried here, there is no ${emulator}`);
}
if (failures > 0) process.exit(1);

function tryIn(processor: Processor): void {
  const name = `kube-leader-linux-${processor}`;
  const root = mkdtempSync(join(tmpdir(), "kube-leader-root-"));
  try {
    const { debian } = processors[processor];
    // The first stage unpacks the packages of a minimal system; nothing here needs them configured.
    execFileSync(
      "debootstrap",
      ["--variant=minbase", "--foreign", `--arch=${debian}`, suite, root],
      {
        stdio: ["ignore", "ignore", "inherit"],
      },
    );
    mkdirSync(join(root, "usr/local/bin"), { recursive: true });
    copyFileSync(join(folder, name), join(root, "usr/local/bin/kube-leader"));
    const size = (statSync(join(folder, name)).size / 1e6).toFixed(0);
    console.log(`${name}: ${size} MB, in Debian ${suite} (minbase, ${debian})`);
    for (const [what, script, expected] of checks) {
      const { stdout, status } = enter(root, processor, script);
      const isRight = `${stdout}exit ${status}` === expected;
      if (!isRight) failures += 1;
      console.log(`  ${isRight ? "ok" : "FAILED"}: ${what}`);
      if (!isRight) console.log(`    expected ${expected}\n    got ${stdout}exit ${status}`);
    }
    console.log(`  start to command: ${startMs(root, processor).toFixed(0)} ms, median of 9`);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function startMs(root: string, processor: Processor): number {
  const script = `i=0; while [ $i -lt 9 ]; do date +%s%N; kube-leader lock date +%s%N; i=$((i+1)); done`;
  const instants = enter(root, processor, script).stdout.trim().split("\n").map(Number);
  const starts = instants.flatMap((end, index) =>
    index % 2 === 1 ? [(end - (instants[index - 1] ?? 0)) / 1e6] : [],
  );
  return starts.toSorted((a, b) => a - b)[4] ?? Number.NaN;
}

function emulatorOf(processor: Processor): string {
  return `/usr/bin/qemu-${processors[processor].qemu}-static`;
}

/** Runs a script in the root, as a machine of that processor would. */
function enter(root: string, processor: Processor, script: string) {
  const { machine, qemu } = processors[processor];
  const magic = `\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00${machine}\\x00`;
  const mask = `${"\\xff".repeat(7)}\\x00${"\\xff".repeat(8)}\\xfe${"\\xff".repeat(3)}`;
  const register = `mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
printf %s ':${qemu}:M::${magic}:${mask}:${emulatorOf(processor)}:F' > /proc/sys/fs/binfmt_misc/register`;
  const inside = `${processor === process.arch ? "" : `${register}\n`}exec chroot "$0" /bin/sh -c "$1"`;
  const namespaces = ["--user", "--map-root-user", "--mount", "--pid", "--fork"];
  return spawnSync("unshare", [...namespaces, "sh", "-ec", inside, root, script], {
    encoding: "utf8",
    env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
    stdio: ["ignore", "pipe", "inherit"],
  });
}
