import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { startProcess } from "./cli.ts";
import { makeFolder } from "./folder.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const run = (tool: string, ...args: string[]) =>
  startProcess(process.execPath, [`${root}tools/${tool}.ts`, ...args]).ended;

test.each([
  ["another package", "packages/b/src/x.ts", 'import { a } from "a";\n'],
  ["another package, lazily", "packages/b/src/x.ts", 'await import("a/part");\n'],
  ["test code", "packages/b/src/x.ts", 'import { t } from "@internal/test/cli";\n'],
  ["test code, by its path", "packages/b/src/x.ts", 'import "../test/x.ts";\n'],
  [
    "what users do not have",
    "packages/b/dist/index.d.ts",
    'export type { T } from "@internal/lib/t";\n',
  ],
])("check-imports finds an import of %s", async (_, file, text) => {
  using folder = makeFolder({ "packages/a/src/index.ts": "", [file]: text });
  const { code, stderr } = await run("check-imports", folder.path);
  expect(code).toBe(1);
  expect(stderr).toContain(`${file}: `);
});

test("check-imports lets a package import itself and lib", async () => {
  const text = 'import "./y.ts";\nimport "@internal/lib/errors";\n';
  using folder = makeFolder({ "packages/a/src/x.ts": text });
  expect((await run("check-imports", folder.path)).code).toBe(0);
});

test("check-lock finds a platform's binary that is not locked, and a registry's host", async () => {
  const lock = JSON.parse(readFileSync(`${root}package-lock.json`, "utf8"));
  delete lock.packages["node_modules/@biomejs/cli-darwin-arm64"];
  lock.packages["node_modules/yaml"].resolved = "https://registry.example/yaml.tgz";
  using folder = makeFolder({ "package-lock.json": JSON.stringify(lock) });
  const { code, stderr } = await run("check-lock", `${folder.path}/package-lock.json`);
  expect(code).toBe(1);
  expect(stderr).toContain("@biomejs/cli-darwin-arm64 is not in the lock");
  expect(stderr).toContain("no binary for darwin-arm64 is locked");
  expect(stderr).toContain("node_modules/yaml: the lock names a registry host");
});

test.each([
  ["eval", "eval(text);\n"],
  ["a function made of text", "new Function(text)();\n"],
  ["node:vm", 'import { runInThisContext } from "node:vm";\n'],
  ["a timer that runs text", 'setTimeout("go()", 1);\n'],
  ["exec", 'import { exec, spawn } from "node:child_process";\n'],
  ["execSync", "execSync(`git show ${revision}`);\n"],
  ["a shell asked for", 'spawn("git", args, { shell: true });\n'],
  ["a shell by its name", 'spawn("/bin/sh", ["-c", text]);\n'],
  ["a certificate that is not checked", "request({ rejectUnauthorized: false });\n"],
  ["the same for all", 'process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";\n'],
])("check-security finds %s", async (_, code) => {
  using folder = makeFolder({ "packages/a/src/x.ts": `// fine\n${code}` });
  const { code: exit, stderr } = await run("check-security", folder.path);
  expect(exit).toBe(1);
  expect(stderr).toContain("packages/a/src/x.ts:2: ");
});

test("check-security lets patterns, arguments as lists and comments be", async () => {
  const text = `// eval(text) would be wrong
/* new Function */
const found = /a/.exec(line);
import { execFile } from "node:child_process";
execFile("git", ["show", revision], { shell: false });
delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
`;
  using folder = makeFolder({ "packages/a/src/x.ts": text });
  expect(await run("check-security", folder.path)).toMatchObject({ code: 0, stderr: "" });
});

test("check-workflows finds an action that is not pinned, and a job without a limit", async () => {
  using folder = makeFolder({
    "ci.yml":
      "on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: actions/checkout@v6\n",
  });
  const { code, stderr } = await run("check-workflows", folder.path);
  expect(code).toBe(1);
  expect(stderr).toContain("ci.yml:6: not pinned by a commit: - uses: actions/checkout@v6");
  expect(stderr).toContain("ci.yml: a job has no timeout-minutes");
});
