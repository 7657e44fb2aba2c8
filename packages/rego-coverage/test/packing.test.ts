import { execFile, execFileSync } from "node:child_process";
import { cpSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { makeFolder } from "@internal/test/folder";
import { expect, test } from "vitest";

const source = fileURLToPath(new URL("..", import.meta.url));

/** The package as it stands in the checkout, built nowhere. */
function checkout() {
  const folder = makeFolder({});
  for (const part of ["engine", "scripts", "package.json"]) {
    cpSync(join(source, part), join(folder.path, part), { recursive: true });
  }
  return folder;
}

test("without Go the build says so and goes on", async () => {
  using folder = checkout();
  const build = [join(folder.path, "scripts/build-engine.ts")];
  const env = { PATH: "/nowhere" };
  const { stdout } = await promisify(execFile)(process.execPath, build, { env });
  expect(stdout).toBe(
    "rego-coverage: no Go here, so this build has no embedded engine (it needs an opa)\n",
  );
  expect(existsSync(join(folder.path, "dist/engine"))).toBe(false);
});

test("packing, and so publishing, without the engine fails", () => {
  using folder = checkout();
  const env = { ...process.env, npm_config_offline: "true" };
  const pack = () =>
    execFileSync("npm", ["pack", "--dry-run"], { cwd: folder.path, env, stdio: "pipe" });
  expect(pack).toThrow("dist/engine has no engine; build with Go installed before packing");
  cpSync(join(source, "engine"), join(folder.path, "dist/engine"), { recursive: true });
  writeFileSync(join(folder.path, "dist/engine/opa.wasm.br"), "an engine");
  expect(pack).not.toThrow();
});
