import { expect, it } from "vitest";
import { sarifProblems } from "../../test/sarif.ts";
import { renderSarif } from "../src/sarif.ts";

it("renders findings with and without a place", () => {
  const text = renderSarif({
    tool: { name: "checker", version: "1.2.3" },
    rules: { "no-name": "Things without a name" },
    results: [
      {
        rule: "no-name",
        level: "error",
        message: "has no name",
        place: { file: "./a b/c.yaml", line: 3 },
      },
      { rule: "other", level: "warning", message: "odd", subject: "Deployment shop/web" },
      { rule: "other", level: "note", message: "nowhere" },
    ],
  });
  expect(text.endsWith("}\n")).toBe(true);
  expect(sarifProblems(text)).toEqual([]);
  expect(JSON.parse(text)).toEqual({
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "checker",
            version: "1.2.3",
            rules: [{ id: "no-name", shortDescription: { text: "Things without a name" } }],
          },
        },
        columnKind: "utf16CodeUnits",
        results: [
          {
            ruleId: "no-name",
            ruleIndex: 0,
            level: "error",
            message: { text: "has no name" },
            locations: [
              {
                physicalLocation: {
                  artifactLocation: { uri: "a%20b/c.yaml" },
                  region: { startLine: 3 },
                },
              },
            ],
          },
          {
            ruleId: "other",
            level: "warning",
            message: { text: "odd" },
            locations: [{ logicalLocations: [{ fullyQualifiedName: "Deployment shop/web" }] }],
          },
          { ruleId: "other", level: "note", message: { text: "nowhere" }, locations: [] },
        ],
      },
    ],
  });
});

it("makes an absolute path a file URL", () => {
  const place = { file: "/srv/a.yaml", line: 1, column: 2 };
  const results = [{ rule: "r", level: "error", message: "m", place }] as const;
  const text = renderSarif({ tool: { name: "c", version: "1" }, rules: {}, results });
  const [location] = JSON.parse(text).runs[0].results[0].locations;
  expect(location.physicalLocation).toEqual({
    artifactLocation: { uri: "file:///srv/a.yaml" },
    region: { startLine: 1, startColumn: 2 },
  });
});

it("says what could not be looked at", () => {
  const failures = [{ message: "no valid YAML", place: { file: "a.yaml", line: 2 } }];
  const text = renderSarif({ tool: { name: "c", version: "1" }, rules: {}, results: [], failures });
  expect(sarifProblems(text)).toEqual([]);
  expect(JSON.parse(text).runs[0].invocations).toEqual([
    {
      executionSuccessful: false,
      toolExecutionNotifications: [
        {
          level: "error",
          message: { text: "no valid YAML" },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: "a.yaml" },
                region: { startLine: 2 },
              },
            },
          ],
        },
      ],
    },
  ]);
});

it.each([
  ["level", '"level": "error"', '"level": "fatal"'],
  ["startLine", '"startLine": 2', '"startLine": 0'],
  ["message", '"text": "m"', '"tekst": "m"'],
])("the schema finds a wrong %s", (_, right, wrong) => {
  const results = [
    { rule: "r", level: "error", message: "m", place: { file: "a", line: 2 } },
  ] as const;
  const text = renderSarif({ tool: { name: "c", version: "1" }, rules: {}, results });
  expect(text).toContain(right);
  expect(sarifProblems(text.replace(right, wrong))).not.toEqual([]);
});
