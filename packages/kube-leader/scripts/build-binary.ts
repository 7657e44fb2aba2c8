/**
 * Builds `binary/`: `kube-leader.cjs` for images that have Node, single executables for linux-x64 and linux-arm64 for
 * those that do not, and their checksums. Node for both comes from npm, in the version that runs this script: what it
 * prepares fits no other. `npm run build:binary -w kube-leader`
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const target = join(root, "binary");
const work = mkdtempSync(join(tmpdir(), "kube-leader-binary-"));
/** Used here alone, on the rare day of a build: fetched then, at this version. */
const postject = ["exec", "--yes", "--package=postject@1.0.0-alpha.6", "--", "postject"];
const fuse = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";

try {
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target);
  const script = makeScript();
  const blob = makeBlob(script);
  const files = [script, makeExecutable("x64", blob), makeExecutable("arm64", blob)];
  const sums = files.map((file) => `${sha256(join(target, file))}  ${file}\n`);
  writeFileSync(join(target, "SHA256SUMS"), sums.join(""));
  for (const file of files) {
    console.log(`${file}  ${(statSync(join(target, file)).size / 1e6).toFixed(2)} MB`);
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** The bin in one CommonJS file, which cannot wait at its top level as `src/cli.ts` does. */
function makeScript(): string {
  const entry = join(work, "one-file.ts");
  writeFileSync(
    entry,
    `import { requireNode } from ${JSON.stringify(join(root, "../../lib/src/node-version.ts"))};
import { abortOnSignals } from ${JSON.stringify(join(root, "../../lib/src/signals.ts"))};
import { useBlockingStreams } from ${JSON.stringify(join(root, "src/notes.ts"))};
requireNode("kube-leader");
useBlockingStreams();
const signals = abortOnSignals();
import(${JSON.stringify(join(root, "src/main.ts"))})
  .then(({ main }) => main(process.argv.slice(2), signals))
  .then((code) => { process.exitCode = code; });
`,
  );
  const options = ["--no-config", "--format", "cjs", "--target", "node22", "--minify"];
  run("tsup", [entry, ...options, "--tsconfig", "tsconfig.build.json", "--out-dir", work], root);
  const name = "kube-leader.cjs";
  const code = readFileSync(join(work, "one-file.cjs"), "utf8");
  writeFileSync(join(target, name), `#!/usr/bin/env node\n${code}`, { mode: 0o755 });
  return name;
}

function makeBlob(script: string): string {
  const blob = join(work, "kube-leader.blob");
  const config = join(work, "sea.json");
  const settings = {
    main: join(target, script),
    output: blob,
    disableExperimentalSEAWarning: true,
    // A cache made on one processor is refused on another, with a warning at every start.
    useCodeCache: false,
    // NODE_OPTIONS in the container is meant for the command, not for us.
    execArgvExtension: "none",
  };
  writeFileSync(config, JSON.stringify(settings));
  run(process.execPath, ["--experimental-sea-config", config], work);
  return blob;
}

function makeExecutable(arch: "x64" | "arm64", blob: string): string {
  const name = `kube-leader-linux-${arch}`;
  const file = join(target, name);
  const node = `node-linux-${arch}`;
  run("npm", ["pack", "--silent", `${node}@${process.version.slice(1)}`], work);
  run("tar", ["-xzf", `${node}-${process.version.slice(1)}.tgz`, "package/bin/node"], work);
  writeFileSync(file, readFileSync(join(work, "package/bin/node")), { mode: 0o755 });
  // Only before: once the program is inside, a stripped file does not start.
  if (arch === process.arch) run("strip", ["-s", file], work);
  run("npm", [...postject, file, "NODE_SEA_BLOB", blob, "--sentinel-fuse", fuse], work);
  return name;
}

function run(command: string, args: string[], cwd: string): void {
  execFileSync(command, args, { cwd, stdio: ["ignore", "ignore", "inherit"] });
}

function sha256(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}
