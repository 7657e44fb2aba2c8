import { readFileSync } from "node:fs";
import { join } from "node:path";
import { plain } from "@internal/lib/colors";
import { runCli } from "@internal/test/cli";
import { makeFolder } from "@internal/test/folder";
import { sarifProblems } from "@internal/test/sarif";
import { expect, test } from "vitest";
import { checkService, explainService } from "../src/index.ts";
import { toExplanation } from "../src/report/explanation.ts";
import { toText } from "../src/report/text.ts";
import { junitProblems } from "./junit-shape.ts";

const manifest = `kind: Service
metadata: { name: "a", namespace: n }
spec:
  ports: [{ name: grpc-webhook, port: 1 }, { name: "<x>", port: 2 }]
`;

test("every format at once, one of them to stdout", async () => {
  using folder = makeFolder({ "100%,a:b.yaml": manifest });
  const files = ["json", "sarif", "junit", "text"].map((name) => `--format=${name}=out.${name}`);
  const { code, stdout, stderr } = await runCli(
    "istio-port-policy",
    ["check", ...files, "--format", "github", "100%,a:b.yaml"],
    { cwd: folder.path },
  );
  expect([code, stderr]).toEqual([1, ""]);
  const lines = stdout.trim().split("\n");
  expect(lines).toHaveLength(4);
  expect(lines[2]).toMatch(
    /^::error file=100%25%2Ca%3Ab.yaml,line=4,col=52,title=IST0118::Service n a: .* port 2 "<x>"; set/,
  );

  const read = (name: string) => readFileSync(join(folder.path, `out.${name}`), "utf8");
  expect(sarifProblems(read("sarif"))).toEqual([]);
  const [run] = JSON.parse(read("sarif")).runs;
  expect(run.results).toHaveLength(3);
  for (const { ruleId, ruleIndex } of run.results) {
    expect(run.tool.driver.rules[ruleIndex].id).toBe(ruleId);
  }
  expect(run.results[2]).toMatchObject({
    level: "error",
    locations: [{ physicalLocation: { region: { startLine: 4, startColumn: 52 } } }],
  });
  expect(junitProblems(read("junit"))).toEqual([]);
  expect(read("junit")).toContain('tests="3" failures="1" errors="0"');
  expect(read("junit")).toContain('name="IST0118: a, port &lt;x&gt;"');
  expect(JSON.parse(read("json")).findings).toHaveLength(3);
  expect(read("text")).toContain("1 error, 2 warnings");
});

test("JUnit has a passed case when nothing is found, and an error for what cannot be read", async () => {
  const good = await runCli("istio-port-policy", ["check", "--format=junit", "-"], {
    input: "# nothing\n",
  });
  expect(junitProblems(good.stdout)).toEqual([]);
  expect(good.stdout).toContain('tests="1" failures="0" errors="0"');
  const bad = await runCli("istio-port-policy", ["check", "--format=junit", "-"], {
    input: "a: [",
  });
  expect(bad.stdout).toContain('<error message="line 1: no valid YAML');
  expect(bad.code).toBe(2);
});

const hostile = JSON.stringify({
  kind: "Service",
  metadata: { name: 'a\u0001\u001b[2J<&"\r\n::error::%0A]]>' },
  spec: { ports: [{ name: "<x>\ud800 & 'q'", port: 2 }] },
});

test("hostile names break out of no format", async () => {
  using folder = makeFolder({ "a.json": hostile, "b.yaml": "a: [" });
  const report = async (format: string) => {
    const args = ["check", "--format", format, "."];
    return (await runCli("istio-port-policy", args, { cwd: folder.path })).stdout;
  };
  expect(junitProblems(await report("junit"))).toEqual([]);
  expect(sarifProblems(await report("sarif"))).toEqual([]);
  const annotations = (await report("github")).trimEnd().split("\n");
  expect(annotations).toHaveLength(3);
  expect(annotations[0]).toContain(
    '::Service default a\u0001\u001b[2J<&"%0D%0A::error::%250A]]>: Istio',
  );
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
  expect(await report("text")).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
});

test.each([
  ["<testsuites><testsuite/></testsuites>", /testsuite without name/],
  ['<testsuites><testcase name="a"/></testsuites>', /testcase in testsuites/],
  ["<testsuites>", /left open/],
  ["<testsuites>a & b</testsuites>", /entities/],
  ['<testsuites a="1"></testsuites>', /testsuites a/],
])("the shape check finds what is wrong in %s", (xml, problem) => {
  expect(junitProblems(xml).join()).toMatch(problem);
});

test("a log of code scanning says what could not be read", async () => {
  const { stdout } = await runCli("istio-port-policy", ["check", "--format=sarif", "-"], {
    input: "a: [\nb: 1",
  });
  expect(sarifProblems(stdout)).toEqual([]);
  const [{ executionSuccessful, toolExecutionNotifications }] =
    JSON.parse(stdout).runs[0].invocations;
  expect([executionSuccessful, toolExecutionNotifications.length]).toEqual([false, 1]);
});

test("in a terminal lines are broken at blanks, and a wide table becomes some lines a port", () => {
  const service = { metadata: { name: "a" }, spec: { ports: [{ name: "otlp-grpc", port: 4317 }] } };
  const findings = checkService(service);
  const checked = { files: 0, services: 1, ports: 1 };
  const text = toText({ findings, checked, unreadable: [] }, plain, new Map(), 60);
  expect(text).toBe(`  error  IST0118  Service default a: Istio cannot tell the
    protocol of port 4317 "otlp-grpc"; set appProtocol, or
    begin the port's name with its protocol
    try: appProtocol: grpc, or name: grpc-otlp (the name
         "otlp-grpc" has "grpc" in it)

1 error, 0 warnings in 1 Service (1 port)
`);
  const explained = explainService(service);
  expect(toExplanation(explained, 60)).toBe(`default/a 4317/TCP otlp-grpc
  UnsupportedProtocol, decided by: none
  sidecar: guessed for each connection; a server that speaks first hangs
  ambient: not known: as without a protocol
`);
  expect(toExplanation(explained, 200)).toBe(toExplanation(explained));
});

test("explain takes a Service with more ports than a call takes arguments", async () => {
  const input = `kind: Service\nspec:\n  ports:\n${"  - {port: 1}\n".repeat(150_000)}`;
  const explain = ["explain", "-", "--format=json"];
  const { code, stdout, stderr } = await runCli("istio-port-policy", explain, { input });
  expect([code, stderr]).toEqual([0, ""]);
  expect(JSON.parse(stdout)).toHaveLength(150_000);
});

test("explain tells every port's protocol, why, and what it means", async () => {
  const { code, stdout } = await runCli("istio-port-policy", ["explain", "-"], { input: manifest });
  expect(stdout).toMatch(
    /^SERVICE +PORT +NAME +APPPROTOCOL +PROTOCOL +DECIDED BY +SIDECAR +AMBIENT$/m,
  );
  expect(stdout).toMatch(/^n\/a +1\/TCP +grpc-webhook +- +GRPC-Web +name +HTTP routes/m);
  expect(code).toBe(0);
});
