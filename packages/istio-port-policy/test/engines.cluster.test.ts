import { join } from "node:path";
import { startProcess } from "@internal/test/cli";
import { component } from "@internal/test/components";
import { makeFolder } from "@internal/test/folder";
import { beforeAll, describe, expect, test } from "vitest";
import { messageOf } from "../src/check-service.ts";
import {
  checkService,
  type RenderOptions,
  renderConstraint,
  renderConstraintTemplate,
  renderRego,
} from "../src/index.ts";
import { viewOf } from "../src/service.ts";
import { type CorpusCase, corpus, generateServices } from "./corpus.ts";
import { numbersFrom } from "./generate.ts";

/** What the library says of each Service: every message, by the Service's name. */
function verdicts(
  cases: readonly CorpusCase[],
  { rule = "istio" }: RenderOptions,
  joined = false,
): Record<string, string[]> {
  return Object.fromEntries(
    cases.map(({ service }) => {
      const errors = checkService(service, { rule }).filter(({ severity }) => severity === "error");
      const said = errors.map(({ message }) => message).sort();
      // Rule istio: one violation a wrong port; rule name: one a Service.
      const messages = rule === "name" ? [...new Set(said)] : said;
      if (!joined || rule === "name" || errors.length === 0) {
        return [service.metadata.name, messages];
      }
      const view = viewOf(service);
      const wrong = errors.map(({ port }) => view.ports[port.index] ?? {});
      const more = wrong.length > 10 ? ` and ${wrong.length - 10} more` : "";
      const message = messageOf(view, wrong.slice(0, 10)).replace(/(?=;)/, more);
      return [service.metadata.name, [message]];
    }),
  );
}

async function output(program: string, args: string[]): Promise<string> {
  const { code, stdout, stderr } = await startProcess(program, args).ended;
  if (stdout === "") throw new Error(`${args.join(" ")}: exit code ${code}\n${stderr}`);
  return stdout;
}

const generated = generateServices(1000, numbersFrom(11));

describe.each([
  ["istio", "the corpus", corpus],
  ["name", "the corpus", corpus],
  ["istio", "1000 generated Services", generated],
  ["name", "1000 generated Services", generated],
] as const)("rule %s on %s", (rule, _, services) => {
  let opa: string;
  let gator: string;
  beforeAll(async () => {
    [opa, gator] = await Promise.all([component("opa"), component("gator")]);
  }, 600_000);

  test.each(["v0", "v1"] as const)(
    "OPA with Rego %s says what the library says",
    async (regoVersion) => {
      const { policy } = renderRego({ rule, regoVersion });
      const cases = services.map(({ service }) => ({ review: { object: service } }));
      using folder = makeFolder({ "policy.rego": policy, "cases.json": JSON.stringify({ cases }) });
      const name = /^package (\w+)$/m.exec(policy)?.[1];
      const query = `[msgs | c := data.cases[_]; msgs := [v.msg | data.${name}.violation[v] with input as c]]`;
      const args = ["eval", "--format=raw", "-d", folder.path, query];
      const text = await output(opa, regoVersion === "v0" ? [...args, "--v0-compatible"] : args);
      const found = (JSON.parse(text) as string[][]).map((msgs) => msgs.sort());
      expect(found).toEqual(Object.values(verdicts(services, { rule })));
    },
  );

  test.each([
    { rule, regoVersion: "v0" },
    { rule, regoVersion: "v1" },
    { rule, engine: "cel" },
  ] as const)("gator with %j says what the library says", async (options) => {
    const namespaces = ["corpus", "kube-system"].map((name) => ({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name },
    }));
    const items = [...namespaces, ...services.map(({ service }) => service)];
    using folder = makeFolder({
      "template.json": JSON.stringify(renderConstraintTemplate(options)),
      "constraint.json": JSON.stringify(renderConstraint(options)),
      "corpus.yaml": items.map((item) => JSON.stringify(item)).join("\n---\n"),
    });
    const files = ["template.json", "constraint.json", "corpus.yaml"];
    const args = files.map((file) => `--filename=${join(folder.path, file)}`);
    const text = await output(gator, ["test", "--output=json", ...args]);
    const found: Record<string, string[]> = {};
    for (const { msg, violatingObject } of JSON.parse(text)) {
      const { name } = violatingObject.metadata;
      found[name] = [...(found[name] ?? []), msg].sort();
    }
    const expected = Object.entries(verdicts(services, options, "engine" in options));
    expect(found).toEqual(
      Object.fromEntries(expected.filter(([, messages]) => messages.length > 0)),
    );
  });
});
