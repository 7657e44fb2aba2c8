import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { runCli } from "./cli.ts";

/** The tables of rights in docs/security.md say what is rendered, no more and no less. */

const cells = readFileSync(new URL("../docs/security.md", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| "))
  .map((line) => line.split("|").slice(1, -1));
const codes = (text = "") => [...text.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);

interface Role {
  kind: string;
  rules: { apiGroups: string[]; resources: string[]; verbs: string[] }[];
}

describe("the rights in docs/security.md", () => {
  test.concurrent.each([
    ["istio-port-policy", []],
    ["kube-leader", ["--name", "worker"]],
    ["node-rollout", []],
  ])("of %s in Kubernetes", async (bin, options) => {
    const { stdout } = await runCli(bin, ["render", "rbac", ...options]);
    const roles = parseAllDocuments(stdout).map((document) => document.toJS() as Role);
    const rendered = roles
      .filter(({ kind }) => kind.endsWith("Role"))
      .flatMap(({ rules }) => rules)
      .flatMap(({ apiGroups: [group = ""], resources, verbs }) =>
        resources.flatMap((name) =>
          verbs.map((verb) => `${verb} ${[name, group].filter(Boolean).join(".")}`),
        ),
      );
    const told = cells
      .filter((row) => row.length === 4 && codes(row[0])[0] === bin)
      .flatMap(([, verbs, resources]) =>
        codes(resources).flatMap((resource) => codes(verbs).map((verb) => `${verb} ${resource}`)),
      );
    expect(told.toSorted()).toEqual(rendered.toSorted());
  });

  test("of node-rollout in AWS", async () => {
    const { stdout } = await runCli("node-rollout", ["render", "iam"]);
    const { Statement }: { Statement: { Action: string[] }[] } = JSON.parse(stdout);
    const rendered = Statement.flatMap(({ Action }) => Action);
    const told = cells.flatMap(([first]) => codes(first)).filter((code) => code.includes(":"));
    expect(told.toSorted()).toEqual(rendered.toSorted());
  });
});
