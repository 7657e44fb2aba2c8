/**
 * Builds the embedded engine into dist/engine: OPA's packages as WebAssembly, compressed, with what runs them
 * and the licences of all that is inside. Without Go it says so and goes on; `--check` fails without an engine,
 * so that nothing is published without one.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";

const source = fileURLToPath(new URL("../engine", import.meta.url));
const target = fileURLToPath(new URL("../dist/engine", import.meta.url));
// With the other things that take long to build: compressing alone takes a minute.
const cache = join(
  process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"),
  "platform-packages/rego-coverage-engine",
);

if (process.argv.includes("--check")) {
  if (!existsSync(join(target, "opa.wasm.br"))) {
    console.error(
      "rego-coverage: dist/engine has no engine; build with Go installed before packing",
    );
    process.exitCode = 1;
  }
} else build();

function build(): void {
  const goVersion = go("version");
  if (goVersion === undefined) {
    console.log(
      "rego-coverage: no Go here, so this build has no embedded engine (it needs an opa)",
    );
    return;
  }
  const built = join(cache, hash(goVersion));
  if (!existsSync(built)) compile(built);
  // One that is there already stays: a test may be running it.
  if (readVersion(target) === readVersion(built)) return;
  const beside = `${target}.${process.pid}`;
  cpSync(built, beside, { recursive: true });
  rmSync(target, { recursive: true, force: true });
  renameSync(beside, target);
}

/** What tells one build of the engine from another; undefined where there is none, or half of one. */
function readVersion(folder: string): string | undefined {
  const files = ["opa.wasm.br", "wasm_exec.js", "worker.js"].map((name) => join(folder, name));
  if (!files.every((file) => existsSync(file))) return undefined;
  const sum = createHash("sha256");
  for (const file of files) sum.update(readFileSync(file));
  return sum.digest("hex");
}

/** What the engine is made of: its files and the compiler. */
function hash(goVersion: string): string {
  const sum = createHash("sha256")
    .update(goVersion)
    .update(readFileSync(import.meta.filename));
  for (const file of readdirSync(source).sort()) {
    sum.update(file).update(readFileSync(join(source, file)));
  }
  return sum.digest("hex").slice(0, 16);
}

function compile(built: string): void {
  console.log("rego-coverage: building the embedded engine, a few minutes the first time");
  const beside = `${built}.${process.pid}`;
  mkdirSync(beside, { recursive: true });
  const wasm = join(beside, "opa.wasm");
  go("build", "-trimpath", "-ldflags=-s -w", "-o", wasm, ".");
  const raw = readFileSync(wasm);
  const compressed = brotliCompressSync(raw, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 11,
      [constants.BROTLI_PARAM_LGWIN]: 24,
      [constants.BROTLI_PARAM_SIZE_HINT]: raw.length,
    },
  });
  writeFileSync(`${wasm}.br`, compressed);
  rmSync(wasm);
  const root = go("env", "GOROOT")?.trim() ?? "";
  copyFileSync(join(root, "lib/wasm/wasm_exec.js"), join(beside, "wasm_exec.js"));
  copyFileSync(join(source, "worker.js"), join(beside, "worker.js"));
  writeFileSync(join(beside, "LICENSES.txt"), licences(root));
  try {
    renameSync(beside, built);
  } catch (error) {
    rmSync(beside, { recursive: true });
    if (!existsSync(built)) throw error; // else another build was faster
  }
}

/** The notices of Go and of every module that is compiled in. */
function licences(goRoot: string): string {
  const format = "{{with .Module}}{{.Path}} {{.Version}}\t{{.Dir}}{{end}}";
  const modules = new Set((go("list", "-deps", "-f", format, ".") ?? "").trim().split("\n"));
  const notices = [...modules].sort().flatMap((line) => {
    const [name = "", folder = ""] = line.split("\t");
    if (folder === "" || folder === source) return [];
    const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file));
    if (files.length === 0) throw new Error(`${name}: no licence found`);
    return files.map((file) => notice(name, join(folder, file)));
  });
  return [notice("Go", join(goRoot, "LICENSE")), ...notices].join("\n");
}

function notice(name: string, file: string): string {
  return `${"=".repeat(80)}\n${name}\n${"=".repeat(80)}\n${readFileSync(file, "utf8").trimEnd()}\n`;
}

function go(...args: string[]): string | undefined {
  const env = { ...process.env, GOOS: "js", GOARCH: "wasm", GOFLAGS: "-buildvcs=false" };
  if (args[0] === "env" || args[0] === "version") Object.assign(env, { GOOS: "", GOARCH: "" });
  try {
    return execFileSync("go", args, { cwd: source, env, encoding: "utf8", maxBuffer: 2 ** 28 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
