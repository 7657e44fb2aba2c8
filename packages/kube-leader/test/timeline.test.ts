import { expect, test } from "vitest";
import { overlaps } from "./pods.ts";

test.each([
  ["one after the other", ["begin a", "end a", "begin b", "end b"], []],
  ["a restarted container", ["begin a", "end a", "begin a"], []],
  ["two at once", ["begin a", "begin b", "end a", "end b"], ["b begins while a leads"]],
  ["an end too late", ["begin a", "begin b", "end b", "end a"], ["b begins while a leads"]],
])("the timeline of %s", (_, timeline, expected) => {
  expect(overlaps(timeline)).toEqual(expected);
});
