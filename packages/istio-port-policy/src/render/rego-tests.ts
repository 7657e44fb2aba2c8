import type { RenderSettings } from "./options.ts";
import { commonCases, istioCases, nameCases, type PolicyCase } from "./policy-cases.ts";
import { regoPackages } from "./rego-packages.ts";

/** The policy's own tests, in Rego v1: one a case, each comparing every violation whole. */
export function renderRegoTests(settings: RenderSettings): string {
  const { rule } = settings;
  const cases = [
    ...(rule === "name" ? nameCases(settings) : istioCases(settings)),
    ...commonCases(settings),
  ];
  return `package ${regoPackages[rule]}\n${cases.map(testOf).join("")}`;
}

function testOf({ says, input, violations }: PolicyCase): string {
  const expected = violations.length === 0 ? "set()" : `{${violations.map(toRego).join(", ")}}`;
  return `
test_${says.toLowerCase().replaceAll(/[^a-z0-9]+/g, "_")} if {
	found := violation with input as ${toRego(input)}
	found == ${expected}
}
`;
}

/** A value as `opa fmt` would write it on one line. */
function toRego(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toRego).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).map(([key, field]) => `${toRego(key)}: ${toRego(field)}`);
  return `{${fields.join(", ")}}`;
}
