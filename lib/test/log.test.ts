import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { createLog } from "../src/log.ts";

/** A stream that remembers what was written, as a terminal or not. */
function written(isTTY: boolean) {
  const stream = Object.assign(new PassThrough().setEncoding("utf8"), { isTTY });
  return { stream, text: () => String(stream.read() ?? "") };
}

test("off a terminal each record is one line of JSON", () => {
  const { stream, text } = written(false);
  const log = createLog({ name: "tool", stream });
  log.info("paged\nAda", { person: "PADA001", tries: 2 });
  log.error("gone");
  const [first = "", second = "", ...rest] = text().split("\n");
  expect(rest).toEqual([""]);
  const { "@timestamp": timestamp, ...record } = JSON.parse(first);
  expect(record).toEqual({
    level: "INFO",
    message: "paged\nAda",
    logger: "tool",
    properties: { person: "PADA001", tries: 2 },
  });
  expect(new Date(timestamp).toISOString()).toBe(timestamp);
  expect(JSON.parse(second)).toMatchObject({ level: "ERROR", message: "gone" });
});

test("on a terminal a record is a sentence with its fields", () => {
  const { stream, text } = written(true);
  createLog({ name: "tool", stream }).warning("late", { by: "3 s", people: ["PADA001"] });
  const line = stripVTControlCharacters(text());
  expect(line).toMatch(/WRN.* tool.* late {2}by=3 s people=\["PADA001"\]\n$/);
});

test.each([
  ["debug", ["a", "b", "c", "d"]],
  [undefined, ["b", "c", "d"]],
  ["error", ["d"]],
] as const)("with the level %s it writes %j", (level, messages) => {
  const { stream, text } = written(false);
  const log = createLog({ name: "tool", stream, ...(level && { level }) });
  log.debug("a");
  log.info("b");
  log.warning("c");
  log.error("d");
  const lines = text().trim().split("\n");
  expect(lines.map((line) => JSON.parse(line).message)).toEqual(messages);
});
