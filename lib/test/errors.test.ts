import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { makeFolder } from "../../test/folder.ts";
import { aboutFile, formatPlace, isAbort, messageOf } from "../src/errors.ts";

const thrown = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

test("a system's error is words, with the file or the address it is about", async () => {
  using folder = makeFolder();
  const file = `${folder.path}/none`;
  expect(messageOf(await thrown(readFile(file)))).toBe(`${file}: no such file or directory`);
  expect(messageOf(await thrown(readFile(folder.path)))).toBe("is a directory, expected a file");
  const refused = new Promise((_, reject) => connect(1, "127.0.0.1").on("error", reject));
  expect(messageOf(await thrown(refused))).toBe("127.0.0.1:1: connection refused");
});

test("a host with several addresses is told by the first that failed", () => {
  const each = ["::1", "127.0.0.1"].map((address) =>
    Object.assign(new Error("x"), { code: "ECONNREFUSED", syscall: "connect", address, port: 1 }),
  );
  expect(messageOf(new AggregateError(each))).toBe("::1:1: connection refused");
});

test.each([
  [new Error("as it is"), "as it is"],
  [Object.assign(new Error("E42: odd"), { code: "E42", syscall: "x" }), "E42: odd"],
  ["a text", "a text"],
  [undefined, "undefined"],
])("the message of %j", (error, message) => {
  expect(messageOf(error)).toBe(message);
});

test("a file is named once, and what is wrong with it told in a line", async () => {
  using folder = makeFolder();
  const file = `${folder.path}/none`;
  expect(aboutFile(file, await thrown(readFile(file)))).toBe(`${file}: no such file or directory`);
  expect(aboutFile("a.yaml", new Error("bad indentation (2:1)\n\n 1 | a"))).toBe(
    "a.yaml: bad indentation (2:1)",
  );
});

test.each([
  [{ file: "a" }, "a"],
  [{ file: "a", line: 3 }, "a:3"],
  [{ file: "a", line: 3, column: 7 }, "a:3:7"],
  [{ file: "a", column: 7 }, "a"],
])("the place %j is %s", (place, text) => {
  expect(formatPlace(place)).toBe(text);
});

test("an abort is known by what signals throw", () => {
  expect(isAbort(AbortSignal.abort().reason)).toBe(true);
  expect(isAbort(new Error("AbortError"))).toBe(false);
  expect(isAbort("AbortError")).toBe(false);
});
