import { execFileSync } from "node:child_process";
import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binOf, runCli, startProcess } from "@internal/test/cli";
import { makeFolder } from "@internal/test/folder";
import { expect, test } from "vitest";
import { checkService, fixManifest } from "../src/index.ts";

const head = "kind: Service\nmetadata: {name: a}\nspec:\n";

test.each([
  [
    "block",
    "  ports:\n    - name: otlp-grpc  # c\n      port: 1\n",
    "  ports:\n    - name: otlp-grpc  # c\n      appProtocol: grpc\n      port: 1\n",
  ],
  [
    "block, number first",
    "  ports:\n  - port: 5432\n    protocol: TCP\n",
    "  ports:\n  - port: 5432\n    appProtocol: tcp\n    protocol: TCP\n",
  ],
  [
    "no newline at the end",
    "  ports:\n  - port: 80",
    "  ports:\n  - port: 80\n    appProtocol: http",
  ],
  [
    "flow",
    "  ports: [{ port: 80, name: 'web' }, {name: x-grpc}]\n",
    "  ports: [{ port: 80, name: 'web', appProtocol: http }, {name: x-grpc, appProtocol: grpc}]\n",
  ],
  [
    "two documents and dots",
    `  ports: [{port: 80}]\n...\n---\n# x\n${head}  ports: [{port: 443}]\n`,
    `  ports: [{port: 80, appProtocol: http}]\n...\n---\n# x\n${head}  ports: [{port: 443, appProtocol: https}]\n`,
  ],
])("%s: only the field is added", async (_, before, after) => {
  expect((await fixManifest(head + before)).text).toBe(head + after);
});

test("CRLF stays CRLF", async () => {
  const before = `${head}  ports:\n  - name: web\n    port: 80\n`.replaceAll("\n", "\r\n");
  const { text } = await fixManifest(before);
  expect(text).toBe(before.replace("name: web\r\n", "name: web\r\n    appProtocol: http\r\n"));
});

test("JSON stays JSON, in its own layout", async () => {
  const service = { kind: "Service", spec: { ports: [{ name: "x-grpc", port: 1 }, { port: 80 }] } };
  for (const indent of [undefined, 2]) {
    const { text } = await fixManifest(JSON.stringify(service, undefined, indent));
    const fixed = JSON.parse(text);
    expect(fixed.spec.ports.map(({ appProtocol }: { appProtocol: string }) => appProtocol)).toEqual(
      ["grpc", "http"],
    );
    expect(checkService(fixed)).toEqual([]);
  }
});

test("a line break of the line itself is taken, a byte order mark stays, many ports are one edit", async () => {
  const mixed = `\ufeff# c\n${head}  ports:\r\n  - name: x-grpc\n  - port: 80\r\n`;
  expect((await fixManifest(mixed)).text).toBe(
    mixed
      .replace("x-grpc\n", "x-grpc\n    appProtocol: grpc\n")
      .replace("80\r\n", "80\r\n    appProtocol: http\r\n"),
  );
  const shared = `${head}  x: &p {port: 80}\n  ports: [{port: 80}, *p, {port: 443}]\n`;
  const { text, ports } = await fixManifest(shared);
  expect(text).toBe(
    shared
      .replace("[{port: 80}", "[{port: 80, appProtocol: http}")
      .replace("443}", "443, appProtocol: https}"),
  );
  expect(ports.map(({ appProtocol }) => appProtocol)).toEqual(["http", undefined, "https"]);
});

test("a value that circles or grows without bound is left alone", async () => {
  const bomb = [..."bcdefghij"].reduce(
    (lines, name, index) =>
      `${lines}  ${name}: &${name} [${Array(10).fill(`*${"abcdefghi"[index]}`)}]\n`,
    "  a: &a [l,l,l,l,l,l,l,l,l,l]\n",
  );
  for (const rest of ["  self: *s\n", bomb]) {
    const text = `kind: Service\nspec: &s\n  ports: [{port: 80}]\n${rest}`;
    expect(await fixManifest(text)).toMatchObject({
      text,
      ports: [{ reason: /cannot be edited/ }],
    });
  }
});

test.each([
  ["unknown", "  ports: [{name: main, port: 1}]\n", /nothing says/],
  ["two protocols", "  ports: [{name: x-grpc-http, port: 1}]\n", /nothing says/],
  ["wrong appProtocol", "  ports: [{name: http, appProtocol: ssl}]\n", /author's word/],
  ["null appProtocol", "  ports: [{name: x-grpc, appProtocol: }]\n", /cannot be edited/],
  ["shared by an anchor", "  x: &p {port: 80}\n  ports: [*p]\n", /cannot be edited/],
  ["shared by an anchor of its own", "  ports: [&p {port: 80}]\n  x: *p\n", /cannot be edited/],
  ["merged", "  x: &p {port: 80}\n  ports: [{<<: *p}]\n", /cannot be edited/],
  ["external", "  type: ExternalName\n  ports: [{port: 80}]\n", /needs no ports/],
])("%s is left alone", async (_, rest, reason) => {
  const { text, ports } = await fixManifest(head + rest);
  expect(text).toBe(head + rest);
  expect(ports).toMatchObject([{ reason: expect.stringMatching(reason) }]);
});

test("templates, broken documents and right ports are not touched", async () => {
  for (const text of [
    `${head}  ports: [{name: "{{ .x }}-grpc"}]\n`,
    `{{ if }}\n${head}  ports: [{port: 80}]\n`,
    `${head}  ports: [{name: http}]\n`,
    "kind: Service\nmetadata: {labels: {istio-port-policy: disabled}}\nspec: {ports: [{port: 80}]}\n",
    "",
    "# only a comment",
  ]) {
    expect(await fixManifest(text)).toMatchObject({ text, ports: [] });
  }
});

test("prints a diff that git applies, and --write does the same", async () => {
  const manifest = `${head}  ports:\n    - name: otlp-grpc\n      port: 4317\n    - { name: web, port: 80 }\n    - name: main\n      port: 1\n`;
  using folder = makeFolder({ "a.yaml": manifest });
  const fix = (...args: string[]) =>
    runCli("istio-port-policy", ["fix", ...args], { cwd: folder.path });
  const shown = await fix(".");
  const file = join(folder.path, "a.yaml");
  expect(readFileSync(file, "utf8")).toBe(manifest);
  expect(shown.stderr).toContain('port 1 "main": left alone: nothing says');
  expect(shown.stderr).toContain("2 ports can be fixed with --write, 1 left alone");
  expect(shown.code).toBe(1);
  execFileSync("git", ["apply", "-p1", "-"], { cwd: folder.path, input: shown.stdout });
  const applied = readFileSync(file, "utf8");
  writeFileSync(file, manifest);
  expect(await fix("--write", "a.yaml")).toMatchObject({ code: 1, stdout: shown.stdout });
  expect(readFileSync(file, "utf8")).toBe(applied);
  expect(applied).toBe(
    manifest
      .replace("otlp-grpc\n", "otlp-grpc\n      appProtocol: grpc\n")
      .replace("port: 80 ", "port: 80 ")
      .replace("name: web,", "name: web, appProtocol: http,"),
  );
});

test("bad use is one sentence and exit code 2", async () => {
  expect(await runCli("istio-port-policy", ["fix", "none.yaml"])).toMatchObject({ code: 2 });
  expect(await runCli("istio-port-policy", ["fix", "-"])).toMatchObject({ code: 2 });
});

test("a pipe cannot be fixed, and is not passed over in silence", async () => {
  const fix = `cat | "${process.execPath}" "${binOf("istio-port-policy")}" fix /dev/stdin`;
  const input = `${head}  ports: [{port: 80}]\n`;
  const { code, stdout, stderr } = await startProcess("sh", ["-c", fix], { input }).ended;
  expect(stderr).toMatch(/^istio-port-policy: \/dev\/stdin: only files can be fixed$/m);
  expect([code, stdout]).toEqual([2, ""]);
});

test("mends what a check reports, no more: opt-outs and suppressions count", async () => {
  const port = "spec: {ports: [{name: x-grpc}]}\n";
  const suppress = "annotations: {galley.istio.io/analyze-suppress: IST0118}";
  const manifest = [
    `kind: Service\nmetadata: {name: a, namespace: old}\n${port}`,
    `kind: Service\nmetadata: {name: b, ${suppress}}\n${port}`,
    `kind: Service\nmetadata: {name: c, labels: {example.com/out: "yes"}}\n${port}`,
  ].join("---\n");
  using folder = makeFolder({
    "a.yaml": manifest,
    "z.yaml": "kind: Namespace\nmetadata: {name: old, labels: {example.com/out: x}}\n",
  });
  const fix = ["fix", "--opt-out-label", "example.com/out", "."];
  const { code, stdout } = await runCli("istio-port-policy", fix, { cwd: folder.path });
  expect([code, stdout]).toEqual([0, ""]);
  expect((await fixManifest(manifest)).ports.map(({ service }) => service)).toEqual(["a", "c"]);
});

test("a broken document and a template are told, the others fixed, and it exits 2", async () => {
  const broken = "a: [1\nb: 2\n---\n";
  const template = `---\n${head}  ports: [{name: "{{ .x }}"}]\n`;
  using folder = makeFolder({ "a.yaml": `${broken}${head}  ports: [{port: 80}]\n${template}` });
  const { code, stdout, stderr } = await runCli("istio-port-policy", ["fix", "a.yaml"], {
    cwd: folder.path,
  });
  expect(stdout).toContain("+  ports: [{port: 80, appProtocol: http}]\n");
  expect(stderr).toMatch(/^istio-port-policy: a\.yaml:2: no valid YAML/m);
  expect(stderr).toMatch(/^istio-port-policy: a\.yaml:8: a template, skipped/m);
  expect(code).toBe(2);
});

test("a file that may only be read is left as it is", async () => {
  const manifest = `${head}  ports: [{port: 80}]\n`;
  using folder = makeFolder({ "a.yaml": manifest });
  chmodSync(join(folder.path, "a.yaml"), 0o444);
  // Root may write what may only be read, unless it gives that up.
  const asOwner = process.getuid?.() === 0 ? ["setpriv", "--bounding-set=-dac_override"] : ["env"];
  const [command = "", ...args] = [...asOwner, process.execPath, binOf("istio-port-policy")];
  const { code, stdout, stderr } = await startProcess(
    command,
    [...args, "fix", "--write", "a.yaml"],
    {
      cwd: folder.path,
    },
  ).ended;
  expect(stderr).toMatch(/^istio-port-policy: a\.yaml: permission denied$/m);
  expect([code, stdout]).toEqual([2, ""]);
  expect(readFileSync(join(folder.path, "a.yaml"), "utf8")).toBe(manifest);
});

test("what cannot be written stays whole", async () => {
  const manifest = `${head}  ports: [{port: 80}]\n# ${"x".repeat(8192)}\n`;
  using folder = makeFolder({ "a.yaml": manifest });
  // The shell's limit on a file's size stands for a disk that is full.
  const fix = `trap '' XFSZ; ulimit -f 4; exec "${process.execPath}" "${binOf("istio-port-policy")}" fix --write a.yaml`;
  const { code, stdout, stderr } = await startProcess("sh", ["-c", fix], { cwd: folder.path })
    .ended;
  expect(stderr).toMatch(/^istio-port-policy: a\.yaml: cannot be written \(EFBIG\)$/m);
  expect([code, stdout]).toEqual([2, ""]);
  expect(readdirSync(folder.path)).toEqual(["a.yaml"]);
  expect(readFileSync(join(folder.path, "a.yaml"), "utf8")).toBe(manifest);
});
