import { chmodSync, lstatSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { makeFolder } from "../../test/folder.ts";
import { parseFormats, writeFormats, writeWhole } from "../src/formats.ts";

const names = ["text", "json"] as const;

test("formats go to stdout or to a file; text is the default", () => {
  expect(parseFormats([], names)).toEqual([{ name: "text" }]);
  expect(parseFormats(["text", "json=a=b.json"], names)).toEqual([
    { name: "text" },
    { name: "json", file: "a=b.json" },
  ]);
});

test.each([
  [["xml"], "--format xml: no such format; known are text, json"],
  [["json="], '--format json=: the file\'s name is missing after "="'],
  [["text", "json"], "--format text and json: only one can go to stdout; give the others =FILE"],
  [["text=a", "json=b", "json=a"], "--format json=a: another report goes there as well"],
])("refuses %j", (values, message) => {
  expect(() => parseFormats(values, names)).toThrow(message);
});

test("each report is written where it was asked for", async () => {
  using folder = makeFolder();
  const file = `${folder.path}/report.json`;
  const stdout = new PassThrough().setEncoding("utf8");
  await writeFormats([{ name: "text" }, { name: "json", file }], (name) => `${name}\n`, { stdout });
  expect(stdout.read()).toBe("text\n");
  expect(readFileSync(file, "utf8")).toBe("json\n");
});

test("a file is written whole or not at all, and nothing is left beside it", async () => {
  using folder = makeFolder({ "taken/inside": "" });
  await writeWhole(`${folder.path}/whole`, "text");
  expect(readFileSync(`${folder.path}/whole`, "utf8")).toBe("text");
  await expect(writeWhole(`${folder.path}/taken`, "text")).rejects.toThrow(
    `${folder.path}/taken: cannot be written`,
  );
  expect(readdirSync(folder.path).toSorted()).toEqual(["taken", "whole"]);
});

test("a link keeps pointing where it did, a file keeps its mode, and no device is replaced", async () => {
  using folder = makeFolder({ target: "old" });
  chmodSync(`${folder.path}/target`, 0o750);
  symlinkSync("target", `${folder.path}/link`);
  symlinkSync("/dev/null", `${folder.path}/nowhere`);
  await writeWhole(`${folder.path}/link`, "new");
  await writeWhole(`${folder.path}/nowhere`, "new");
  expect(readFileSync(`${folder.path}/target`, "utf8")).toBe("new");
  expect(statSync(`${folder.path}/target`).mode & 0o777).toBe(0o750);
  expect(lstatSync(`${folder.path}/link`).isSymbolicLink()).toBe(true);
  expect(statSync("/dev/null").isCharacterDevice()).toBe(true);
  expect(readdirSync(folder.path).toSorted()).toEqual(["link", "nowhere", "target"]);
});
