import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { binOf, runCli, startCli, startProcess } from "@internal/test/cli";
import { makeFolder } from "@internal/test/folder";
import { expect, test } from "vitest";
import type { CheckReport } from "../src/index.ts";

const serviceYaml = (name: string, port: string, metadata = "") => `apiVersion: v1
kind: Service
metadata:
  name: ${name}
  namespace: shop
${metadata}spec:
  ports:
    - ${port}
`;
const right = serviceYaml("right", "name: http");
const wrong = serviceYaml("wrong", "name: web");

function check(cwd: string, ...args: string[]) {
  return runCli("istio-port-policy", ["check", ...args], { cwd });
}

test("prints each finding with its line and a caret, and exits 1", async () => {
  using folder = makeFolder({ "a.yaml": right, "b.yaml": `# two\n---\n${right}---\n${wrong}` });
  const { code, stdout, stderr } = await check(folder.path, ".");
  expect(stdout).toBe(`b.yaml
  19:13  error  IST0118  Service shop wrong: Istio cannot tell the protocol of port ? "web"; set appProtocol, or begin the port's name with its protocol
        - name: web
                ^^^

1 error, 0 warnings in 3 Services (3 ports, 2 files)
`);
  expect([code, stderr]).toEqual([1, ""]);
});

test.each(["text", "json"])(
  "a reader that leaves early (%s | head) does not turn the answer",
  async (format) => {
    // More than a pipe holds.
    using folder = makeFolder({ "a.yaml": `${wrong}---\n`.repeat(3000) });
    const line = '{ "$@"; echo "exit $?" >&2; } | head -n 1';
    const args = [
      process.execPath,
      binOf("istio-port-policy"),
      "check",
      "--format",
      format,
      "a.yaml",
    ];
    const { stdout, stderr } = await startProcess("sh", ["-c", line, "sh", ...args], {
      cwd: folder.path,
    }).ended;
    expect(stdout.split("\n")).toHaveLength(2);
    expect(stderr).toBe("exit 1\n");
  },
);

test("exits 0 when nothing is found", async () => {
  using folder = makeFolder({ "a.yaml": right });
  expect(await check(folder.path, "a.yaml")).toMatchObject({
    code: 0,
    stdout: "No findings in 1 Service (1 port, 1 file)\n",
  });
});

test("a folder without a manifest is told", async () => {
  using folder = makeFolder({ "notes.txt": wrong });
  expect(await check(folder.path, ".")).toMatchObject({
    code: 0,
    stderr: "istio-port-policy: .: no YAML or JSON file, nothing was checked\n",
  });
});

test("warnings fail a strict check alone", async () => {
  using folder = makeFolder({ "a.yaml": serviceYaml("hook", "name: grpc-webhook") });
  expect(await check(folder.path, ".")).toMatchObject({ code: 0 });
  expect(await check(folder.path, "--strict", ".")).toMatchObject({ code: 1 });
});

test("a broken document and a missing file are told, the rest is checked, and it exits 2", async () => {
  using folder = makeFolder({ "a.yaml": `a: [1\nb: 2\n---\n${wrong}` });
  const result = await check(folder.path, "--format", "json", "a.yaml", "none.yaml");
  const report: CheckReport = JSON.parse(result.stdout);
  expect(report).toMatchObject({
    findings: [{ service: "wrong", file: "a.yaml", line: 11, column: 13 }],
    checked: { files: 1, services: 1, ports: 1 },
    unreadable: [
      { file: "a.yaml", line: 2, message: expect.stringMatching(/^no valid YAML: /) },
      { file: "none.yaml", message: "no such file or directory" },
    ],
  });
  expect(result.stderr).toMatch(/^istio-port-policy: a.yaml:2: no valid YAML/);
  expect(result.stderr).toMatch(/^istio-port-policy: none.yaml: no such file or directory$/m);
  expect(result.code).toBe(2);
});

test("reads the standard input, JSON lists included", async () => {
  const input = JSON.stringify(
    {
      apiVersion: "v1",
      kind: "List",
      items: [
        {
          apiVersion: "v1",
          kind: "Namespace",
          metadata: { name: "old", labels: { "istio-port-policy": "disabled" } },
        },
        {
          apiVersion: "v1",
          kind: "Service",
          metadata: { name: "a", namespace: "old" },
          spec: { ports: [{ name: "x" }] },
        },
        {
          apiVersion: "v1",
          kind: "Service",
          metadata: { name: "b", namespace: "new" },
          spec: { ports: [{ name: "x", port: 1 }] },
        },
      ],
    },
    undefined,
    2,
  );
  const { code, stdout } = await runCli("istio-port-policy", ["check", "-", "--format=json"], {
    input,
  });
  const { findings, checked } = JSON.parse(stdout) as CheckReport;
  expect(findings).toMatchObject([{ namespace: "new", service: "b", file: "<stdin>", line: 40 }]);
  expect(input.split("\n")[39]).toContain('"name": "x"');
  expect(checked).toEqual({ files: 1, services: 2, ports: 2 });
  expect(code).toBe(1);
});

test("an empty standard input is a mistake: what should have written it failed", async () => {
  for (const input of ["", " \n\n"]) {
    const { code, stdout, stderr } = await runCli("istio-port-policy", ["check", "-"], { input });
    expect(stderr).toBe(
      "istio-port-policy: <stdin>: nothing came; has the command before the pipe failed?\n",
    );
    expect(stdout).toContain("; 1 place unreadable");
    expect(code).toBe(2);
  }
  const nothing = await runCli("istio-port-policy", ["check", "-"], { input: "# no documents\n" });
  expect([nothing.code, nothing.stderr]).toEqual([0, ""]);
});

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("%s ends the wait for a named pipe that nobody writes to", async (signal, code) => {
  using folder = makeFolder({ "a.yaml": "a: {{ x }}\n}}\n" });
  const pipe = join(folder.path, "pipe");
  await startProcess("mkfifo", [pipe]).ended;
  // The template's notice comes right before the pipe is opened.
  const waiting = startCli("istio-port-policy", ["check", "a.yaml", pipe], { cwd: folder.path });
  await waiting.printed(/a template, skipped/);
  waiting.kill(signal);
  expect(await waiting.ended).toMatchObject({ code, stdout: "" });
});

test("a named pipe is read to its end, whoever comes first", async () => {
  using folder = makeFolder({ "a.yaml": wrong });
  const pipe = join(folder.path, "pipe");
  await startProcess("mkfifo", [pipe]).ended;
  const reading = check(folder.path, pipe, "/dev/null");
  const writing = startProcess("sh", ["-c", `cat a.yaml > ${pipe}`], { cwd: folder.path }).ended;
  expect(await writing).toMatchObject({ code: 0 });
  const { code, stdout } = await reading;
  expect(stdout).toContain("1 error, 0 warnings in 1 Service (1 port, 2 files)");
  expect(code).toBe(1);
});

test("Ctrl-C ends the wait for a pipe that says nothing", async () => {
  const child = spawn(process.execPath, [binOf("istio-port-policy"), "check", "-"], {
    stdio: ["pipe", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  // The template's notice comes when the pipe is being read.
  child.stdin.write("a: {{ x }}\n}}\n---\n");
  await once(child.stderr, "data");
  child.kill("SIGINT");
  expect(await once(child, "close")).toEqual([130, null]);
  expect(stderr).toMatch(/^istio-port-policy: <stdin>:1: a template, skipped[^\n]*\n$/);
});

test("a template is skipped with a word, what is complete in its file is checked", async () => {
  using folder = makeFolder({
    "a.yaml": `{{- if .Values.web }}\n${right}{{- end }}\n---\n${wrong}---\n${serviceYaml("t", 'name: "{{ .Values.port }}"')}`,
  });
  const { code, stdout, stderr } = await check(folder.path, ".");
  expect(stdout).toContain("1 error, 0 warnings in 1 Service");
  expect(stderr.match(/a template, skipped/g)).toHaveLength(1);
  expect(code).toBe(1);
});

test("bad use is one sentence and exit code 2", async () => {
  for (const [args, sentence] of [
    [[], /nothing to check/],
    [["--rule", "x", "."], /--rule x: expected istio or name/],
    [["--istio-version", "x", "."], /Istio version "x": expected a release/],
    [["--format", "xml", "."], /--format xml: no such format/],
    [["--opt-out-label", "a b", "."], /opt-out label "a b"/],
    [["--rule", "name", "--protocols", "A", "."], /protocols: "A"/],
    [["*.none"], /\*\.none: no file matches/],
  ] as const) {
    const { code, stderr } = await runCli("istio-port-policy", ["check", ...args]);
    expect(stderr).toMatch(sentence);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(code, args.join(" ")).toBe(2);
  }
});
