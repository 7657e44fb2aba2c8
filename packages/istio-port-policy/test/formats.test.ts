import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runCli } from "@internal/test/cli";
import { makeFolder } from "@internal/test/folder";
import { sarifProblems } from "@internal/test/sarif";
import { expect, test } from "vitest";

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
  expect(read("junit")).toContain('tests="3" failures="1" errors="0"');
  expect(read("junit")).toContain('name="IST0118: a, port &lt;x&gt;"');
  expect(JSON.parse(read("json")).findings).toHaveLength(3);
  expect(read("text")).toContain("1 error, 2 warnings");
});

test("JUnit has a passed case when nothing is found, and an error for what cannot be read", async () => {
  const good = await runCli("istio-port-policy", ["check", "--format=junit", "-"], { input: "" });
  expect(good.stdout).toContain('tests="1" failures="0" errors="0"');
  const bad = await runCli("istio-port-policy", ["check", "--format=junit", "-"], {
    input: "a: [",
  });
  expect(bad.stdout).toContain('<error message="line 1: no valid YAML');
  expect(bad.code).toBe(2);
});

test("explain tells every port's protocol, why, and what it means", async () => {
  const { code, stdout } = await runCli("istio-port-policy", ["explain", "-"], { input: manifest });
  expect(stdout).toMatch(
    /^SERVICE +PORT +NAME +APPPROTOCOL +PROTOCOL +DECIDED BY +SIDECAR +AMBIENT$/m,
  );
  expect(stdout).toMatch(/^n\/a +1\/TCP +grpc-webhook +- +GRPC-Web +name +HTTP routes/m);
  expect(code).toBe(0);
});
