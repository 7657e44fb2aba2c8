import { makeFolder } from "@internal/test/folder";
import { dump } from "js-yaml";
import { expect, test } from "vitest";
import { checkManifests, fixManifest, type PortFinding } from "../src/index.ts";
import { numbersFrom } from "./generate.ts";

/** More than a List may have to be read as a whole. */
const data = Object.fromEntries(
  Array.from({ length: 4500 }, (_, index) => [`k${index}`, `a] }\n- {[\\"\n${"x".repeat(1000)}`]),
);
const filler = { apiVersion: "v1", kind: "ConfigMap", data };

const service = (
  name: string,
  port: string,
  said: object = { apiVersion: "v1", kind: "Service" },
) => ({
  ...said,
  metadata: { name, labels: { text: '- {"kind": [' } },
  spec: {
    ports: [
      { name: port, port: 1 },
      { port: 2, name: "http" },
    ],
  },
});

const items = [
  service("first", "good-grpc"),
  filler,
  service("right", "grpc"),
  { apiVersion: "v1", kind: "List", items: [service("inner", "bad")] },
  { ...service("foreign", "bad"), apiVersion: "serving.knative.dev/v1" },
  null,
  service("last", "metrics"),
];
const list = { apiVersion: "v1", items, kind: "List", metadata: { resourceVersion: "" } };
/** As the API answers, and with what it says of its items behind them. */
const bare = [service("a", "bad", {}), { data }, service("b", "http", {}), service("c", "x", {})];
const typed = { kind: "ServiceList", apiVersion: "v1", metadata: {}, items: bare };
const reversed = { items: bare, apiVersion: "v1", kind: "ServiceList" };
const foreign = { items: bare, apiVersion: "serving.knative.dev/v1", kind: "ServiceList" };

const yaml = (value: object, seqNoIndent: boolean) => dump(value, { seqNoIndent, lineWidth: -1 });
const formats: [string, (value: object) => string][] = [
  ["kubectl's JSON", (value) => `${JSON.stringify(value, undefined, 4)}\n`],
  ["JSON in one line", (value) => JSON.stringify(value)],
  ["JSON with CRLF", (value) => JSON.stringify(value, undefined, "\t").replaceAll("\n", "\r\n")],
  ["kubectl's YAML", (value) => yaml(value, true)],
  ["YAML with indented items", (value) => `# a List\n---\n${yaml(value, false)}`],
  ["YAML with CRLF", (value) => yaml(value, true).replaceAll("\n", "\r\n")],
];

/** A text in pieces of many sizes. */
function* piecesOf(text: string): Generator<string> {
  const numbers = numbersFrom(1);
  let at = 0;
  while (at < text.length) {
    // Small where the marks are, else as a file comes.
    const most = at < 4096 || text.length - at < 4096 ? 9 : 70_000;
    const size = Math.ceil(numbers.next().value * most);
    yield text.slice(at, at + size);
    at += size;
  }
}

async function check(text: string) {
  const sources = new Map<PortFinding, string>();
  const report = await checkManifests(["-"], {
    stdin: (async function* () {
      yield* piecesOf(text);
    })(),
    onSource: (finding, source) => sources.set(finding, source),
  });
  const lines = text.split("\n");
  for (const finding of report.findings) {
    const { line = 0, column = 0, port } = finding;
    const source = lines[line - 1] ?? "";
    expect(source.slice(column - 1)).toMatch(new RegExp(`^"?${port.name}"?`));
    if (lines.length > 100) expect(sources.get(finding)).toBe(source.replace(/\r$/, ""));
  }
  return { ...report, services: report.findings.map(({ service }) => service) };
}

test.each(formats)("%s: every item is checked, in its place", async (_format, write) => {
  const whole = await check(write(list));
  expect([whole.services, whole.unreadable]).toEqual([["first", "inner", "last"], []]);
  expect(whole.checked).toEqual({ files: 1, services: 4, ports: 8 });
  for (const said of [typed, reversed]) {
    const { services, unreadable } = await check(write(said));
    expect([services, unreadable]).toEqual([["a", "c"], []]);
  }
  expect((await check(write(foreign))).checked.services).toBe(0);
});

test("what follows a large List is read, and what is none is read as a whole", async () => {
  const more = JSON.stringify(service("more", "bad"));
  for (const [, write] of formats) {
    const { services, unreadable } = await check(`${write(list)}\n---\n${more}\n`);
    expect([services, unreadable]).toEqual([["first", "inner", "last", "more"], []]);
  }
  const spec = { ...service("x", "bad"), data };
  for (const [, write] of formats) expect((await check(write(spec))).services).toEqual(["x"]);
});

test("a broken item is told with its place and the others are checked", async () => {
  const [first, last] = ["first", "last"].map((name) => JSON.stringify(service(name, "bad")));
  const json = `{"kind": "List", "apiVersion": "v1", "items": [\n${JSON.stringify(filler)},\n${first},\n {"a": 1 "b": 2},\n${last}\n]}`;
  const inJson = await check(json);
  expect(inJson.services).toEqual(["first", "last"]);
  expect(inJson.unreadable).toMatchObject([
    { line: 4, message: expect.stringMatching(/^no valid YAML: .* \(column 13\)$/) },
  ]);
  const item = (value: object) => yaml([value], true);
  const inYaml = await check(
    `items:\n${item(filler)}- a: [\n${item(service("last", "bad"))}kind: List\n`,
  );
  expect(inYaml.services).toEqual(["last"]);
  expect(inYaml.unreadable).toMatchObject([
    { line: 4500 * 4 + 6, message: expect.stringMatching(/^no valid YAML/) },
  ]);
});

test("a List that breaks off is told where a folder is searched, too", async () => {
  using folder = makeFolder({ "a.json": `{"items": [${JSON.stringify(filler)},` });
  const { unreadable } = await checkManifests([folder.path]);
  expect(unreadable).toMatchObject([
    { line: 1, message: expect.stringMatching(/the List does not end/) },
  ]);
});

test("a List that breaks off, or goes wrong between its items, is told", async () => {
  const begun = `{"apiVersion": "v1", "items": [\n${JSON.stringify(filler)},\n${JSON.stringify(service("first", "bad"))}\n`;
  for (const [rest, line, message] of [
    ["", 4, "no valid JSON: the List does not end; nothing behind it was read (column 1)"],
    [",", 4, "no valid JSON: the List does not end; nothing behind it was read (column 2)"],
    [", {", 4, "no valid JSON: the List does not end; nothing behind it was read (column 4)"],
    ["  {}]}", 4, 'no valid JSON: expected no "{" here; nothing behind it was read (column 3)'],
    [
      '], "kind" "List"}',
      4,
      'no valid JSON: expected no "\\"" here; nothing behind it was read (column 11)',
    ],
  ] as const) {
    const { services, unreadable } = await check(begun + rest);
    expect([services, unreadable]).toEqual([["first"], [{ file: "<stdin>", line, message }]]);
  }
});

test.each(formats)(
  "%s: a fix of a large List changes what it should alone",
  async (_format, write) => {
    const fixable = { ...list, items: [filler, service("a", "x-grpc"), service("b", "otlp-grpc")] };
    const text = write(fixable);
    const fixed = await fixManifest(text);
    expect(fixed.ports.map(({ service, appProtocol }) => [service, appProtocol])).toEqual([
      ["a", "grpc"],
      ["b", "grpc"],
    ]);
    expect(fixed.text.replaceAll(/,?(?:\r?\n[ \t]*| )"?appProtocol"?: "?grpc"?/g, "")).toBe(text);
    expect((await check(fixed.text)).services).toEqual([]);
  },
);
