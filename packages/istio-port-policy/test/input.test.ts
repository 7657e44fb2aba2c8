import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { makeFolder } from "@internal/test/folder";
import { expect, test } from "vitest";
import { checkManifests } from "../src/index.ts";
import { splitDocuments } from "../src/input/split.ts";

const wrong = (name: string) => `kind: Service
metadata: {name: ${name}}
spec:
  ports:
    - name: web
`;

async function split(text: string, size: number): Promise<[string, number][]> {
  const chunks = text.match(new RegExp(`[^]{1,${size}}`, "g")) ?? [];
  const found: [string, number][] = [];
  for await (const document of splitDocuments(chunks)) found.push([document.text, document.line]);
  return found;
}

test.each([
  [
    "a: 1\n---\nb: 2\n",
    [
      ["a: 1\n", 1],
      ["---\nb: 2\n", 2],
    ],
  ],
  [
    "# c\n---\na: 1\n...\n# d\n---\nb: 2",
    [
      ["# c\n---\na: 1\n...\n", 1],
      ["# d\n---\nb: 2", 5],
    ],
  ],
  ["%YAML 1.2\n---\na: 1\n", [["%YAML 1.2\n---\na: 1\n", 1]]],
  ["a: |\n  ---\n  x\n---x: 1\n", [["a: |\n  ---\n  x\n---x: 1\n", 1]]],
  [
    "--- {a: 1}\r\n---\r\nb: 2\r\n",
    [
      ["--- {a: 1}\r\n", 1],
      ["---\r\nb: 2\r\n", 2],
    ],
  ],
  [
    "---\n---\n\n",
    [
      ["---\n", 1],
      ["---\n\n", 2],
    ],
  ],
  [
    "a: 1\r---\rb: 2\r...\rc: 3",
    [
      ["a: 1\r", 1],
      ["---\rb: 2\r...\r", 1],
      ["c: 3", 1],
    ],
  ],
  [
    "\ufeffa: 1\n\ufeff---\nb: 2\n",
    [
      ["\ufeffa: 1\n", 1],
      ["\ufeff---\nb: 2\n", 2],
    ],
  ],
  [
    "a: 1\n... # end\nb: 2\n... c: 3\n",
    [
      ["a: 1\n... # end\n", 1],
      ["b: 2\n... c: 3\n", 3],
    ],
  ],
  ["", []],
])("%j splits the same in chunks of any size", async (text, expected) => {
  for (const size of [1, 2, 3, 7, 1000]) {
    const found = await split(text, size);
    expect(found, `chunks of ${size}`).toEqual(expected);
  }
});

test("folders are searched without what git ignores; who names a file wants it", async () => {
  using folder = makeFolder({
    ".gitignore": "build/\n*.gen.yaml\n!keep.gen.yaml\n",
    "a.yaml": wrong("a"),
    "b.gen.yaml": wrong("b"),
    "keep.gen.yaml": wrong("keep"),
    "build/c.yaml": wrong("c"),
    "deep/.gitignore": "/d.yml\n",
    "deep/d.yml": wrong("d"),
    "deep/e.json": JSON.stringify({
      kind: "Service",
      metadata: { name: "e" },
      spec: { ports: [{}] },
    }),
    "deep/notes.txt": wrong("notes"),
    "tsconfig.json": "{ // comments\n}",
  });
  const names = async (...paths: string[]) => {
    const report = await checkManifests(paths.map((path) => join(folder.path, path)));
    expect(report.unreadable).toEqual([]);
    return report.findings.map(({ service }) => service);
  };
  expect(await names(".")).toEqual(["a", "e", "keep"]);
  expect(await names("deep")).toEqual(["e"]);
  expect(await names("build")).toEqual(["c"]);
  expect(await names("b.gen.yaml", "b.gen.yaml")).toEqual(["b"]);
  expect(await names("*.yaml")).toEqual(["a", "keep"]);
});

test("a file is read once, however many ways lead to it", async () => {
  using folder = makeFolder({ "a.yaml": wrong("a"), "b/c.yaml": wrong("c") });
  const file = join(folder.path, "a.yaml");
  const ways = [file, folder.path, relative("", file), `${folder.path}/b/../a.yaml`];
  const { checked, findings } = await checkManifests([...ways, `${folder.path}/./b/*.yaml`]);
  expect(checked.files).toBe(2);
  expect(findings.map(({ file }) => file)).toEqual([file, join(folder.path, "b/c.yaml")]);
});

test("anchors, merge keys, tags of others, List kinds and YAML 1.2 words are read", async () => {
  using folder = makeFolder({
    "a.yaml": `x: !Ref [y]
---
apiVersion: v1
kind: ServiceList
items:
  - metadata: { name: one }
    spec: { ports: [ &p { name: web }, { <<: *p, appProtocol: http }, { name: on } ] }
  - &two { metadata: { name: two }, spec: { ports: [ *p ] } }
---
apiVersion: serving.knative.dev/v1
kind: Service
spec: { ports: [ {} ] }
`,
  });
  const { findings, unreadable } = await checkManifests([folder.path]);
  expect(unreadable).toEqual([]);
  expect(findings.map(({ service, port, line }) => [service, port.index, port.name, line])).toEqual(
    [
      ["one", 0, "web", 7],
      ["one", 2, "on", 7],
      ["two", 0, "web", 8],
    ],
  );
});

test("an alias in place of a port is pointed at with its asterisk", async () => {
  using folder = makeFolder({
    "a.yaml": `${wrong("a").replace("- name", "- &p\n      name")}    - *p\n`,
  });
  const { findings } = await checkManifests([folder.path]);
  expect(findings.map(({ line, column }) => [line, column])).toEqual([
    [6, 13],
    [7, 7],
  ]);
});

test("a Namespace that opted out counts wherever it stands", async () => {
  const label = "labels: {istio-port-policy: disabled}";
  const namespace = `apiVersion: v1\nkind: Namespace\nmetadata: {name: old, ${label}}\n`;
  using folder = makeFolder({
    "a.yaml": wrong("a, namespace: old"),
    "z.yaml": namespace,
  });
  expect((await checkManifests([folder.path])).findings).toEqual([]);
});

test("a file larger than what is read at once is streamed", async () => {
  using folder = makeFolder();
  mkdirSync(join(folder.path, "x"));
  const filler = `kind: ConfigMap\ndata: {a: ${"a".repeat(2 ** 16)}}\n`;
  writeFileSync(join(folder.path, "x/big.yaml"), `${`${filler}---\n`.repeat(40)}${wrong("last")}`);
  const { findings, checked } = await checkManifests([folder.path]);
  expect(findings).toMatchObject([{ service: "last", line: 40 * 3 + 5, column: 13 }]);
  expect(checked).toEqual({ files: 1, services: 1, ports: 1 });
});

test("a link to a file is followed to where nothing else leads, one that leads nowhere is told, none to a folder is", async () => {
  using folder = makeFolder({ "real/a.yaml": wrong("a") });
  for (const [link, target] of [
    ["circle", "."],
    ["circle.yaml", "."],
    ["file.yaml", "real/a.yaml"],
    ["gone.yaml", "nowhere"],
    ["self.yaml", "self.yaml"],
  ] as const) {
    symlinkSync(target, join(folder.path, link));
  }
  const { findings, unreadable } = await checkManifests([folder.path]);
  expect(findings.map(({ file }) => basename(file ?? ""))).toEqual(["file.yaml"]);
  expect(unreadable.map(({ file, message }) => `${basename(file)} ${message}`)).toEqual([
    "gone.yaml a broken link: no such file or directory",
    expect.stringMatching(/^self.yaml a broken link: /),
  ]);
});

test("what circles, or is deeper than any manifest, does not end the reading of its file", async () => {
  const deep = `{"kind":"Service","x":${"[".repeat(5000)}${"]".repeat(5000)},"spec":{"ports":[{}]}}`;
  using folder = makeFolder({
    "a.yaml": `kind: Service\nmetadata: {name: circle}\nspec: &s {ports: [{name: x, self: *s}]}\n---\n${wrong("a")}`,
    "b.json": deep,
    "c.yaml": `kind: List\nitems: &i\n- {kind: List, items: *i}\n---\n${wrong("c")}---\nx: ${"[".repeat(5000)}\n---\n${wrong("c2")}`,
    "d.json": `{\n\t"kind": "Service",\n\t"spec": {\n\t\t"ports": [{"name": "tab"}]\n\t}\n}`,
  });
  const { findings, unreadable } = await checkManifests([folder.path]);
  expect(findings.map(({ service, line }) => [service, line])).toEqual([
    ["circle", 3],
    ["a", 9],
    ["", undefined],
    ["c", 9],
    ["c2", 17],
    ["", 4],
  ]);
  expect(unreadable).toMatchObject([{ line: 11, message: /^nested deeper than 1000/ }]);
});

test("null is the same as absent, for a whole document too", async () => {
  using folder = makeFolder({
    "a.yaml": `apiVersion: null
kind: Service
metadata: { name: a, namespace: null, labels: null, annotations: { x: null } }
spec: { type: null, ports: [ { name: null, appProtocol: null, protocol: null, port: 3306 }, null ] }
---
kind: Service
metadata: null
spec: null
---
kind: Namespace
metadata: { name: default, labels: null }
---
null
`,
  });
  const { findings, checked, unreadable } = await checkManifests([folder.path]);
  expect([unreadable, checked.services]).toEqual([[], 2]);
  expect(findings).toMatchObject([{ namespace: "default", port: { index: 1, name: "" }, line: 4 }]);
});

test("the same depth is too deep for every reader, in one sentence", async () => {
  const nested = (levels: number) =>
    Array.from({ length: levels }, (_, level) => `${" ".repeat(level)}a:\n`).join("");
  using folder = makeFolder({
    "plain.yaml": nested(1001),
    "umlaut.yaml": `# ä\n${nested(1001)}`,
    "shallow.yaml": nested(900),
  });
  const { unreadable } = await checkManifests([folder.path]);
  const message = "nested deeper than 1000 levels, as no manifest is (column 1000)";
  expect(unreadable).toEqual([
    { file: join(folder.path, "plain.yaml"), line: 1000, message },
    { file: join(folder.path, "umlaut.yaml"), line: 1001, message },
  ]);
});

test("an aborted check throws the reason", async () => {
  const reason = new Error("enough");
  const aborted = checkManifests(["."], { signal: AbortSignal.abort(reason) });
  await expect(aborted).rejects.toBe(reason);
});
