/**
 * Tries the executables of `npm run build:binary` where they are for: in a bare Debian without Node. Runs the one for
 * this machine's processor in a root that debootstrap makes, and checks every file against SHA256SUMS. Needs root and
 * debootstrap. `npm run try:binary -w kube-leader`
 */
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = join(import.meta.dirname, "..", "binary");
const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../package.json"), "utf8"));
/** The oldest Debian that gets security updates: what runs there runs on the newer ones. */
const release = "bookworm";

execFileSync("sha256sum", ["--check", "SHA256SUMS"], { cwd: folder, stdio: "inherit" });
const root = mkdtempSync(join(tmpdir(), "kube-leader-debian-"));
try {
  console.log(`making a bare Debian ${release}`);
  const debootstrap = ["--variant=minbase", release, root];
  execFileSync("debootstrap", debootstrap, { stdio: ["ignore", "ignore", "inherit"] });
  copyFileSync(
    join(folder, `kube-leader-linux-${process.arch}`),
    join(root, "usr/local/bin/kube-leader"),
  );
  expect("there is no Node", ["sh", "-c", "command -v node"], 127, "");
  expect("it says its version", ["kube-leader", "--version"], 0, `${version}\n`);
  expect(
    "outside a cluster it becomes the command, with its arguments and its exit code",
    ["kube-leader", "--name", "a", "--", "sh", "-c", 'echo "$0 $1"; exit 7', "one", "two three"],
    7,
    "one two three\n",
  );
  expect("a command that is not there", ["kube-leader", "--name", "a", "--", "nowhere"], 127, "");
} finally {
  rmSync(root, { recursive: true, force: true });
}

function expect(what: string, command: string[], code: number, output: string): void {
  const env = { PATH: "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin" };
  const { status, stdout, stderr } = spawnSync("chroot", [root, ...command], {
    env,
    encoding: "utf8",
  });
  if (status !== code || stdout !== output) {
    throw new Error(
      `${what}: exit code ${status}, expected ${code}; printed ${JSON.stringify(stdout)}\n${stderr}`,
    );
  }
  console.log(`ok: ${what}`);
}
