import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { runCli } from "./cli.ts";

/** The help of every command of the five is written one way. */

const bins = readdirSync(new URL("../packages", import.meta.url));

describe.concurrent.each(bins)("the help of %s", (bin) => {
  const help = async (...words: string[]) =>
    (await runCli(bin, [...words, "--help"])).stdout.split("\n");

  test("each command is a sentence, and its usage names what it demands, options, arguments", async () => {
    const lines = await help();
    // A row of the list of commands; those of the examples have a comment.
    const row = /^ {2}[\w-]+ ([a-z]+(?: [a-z]+)*) {2,}[^ #]/;
    const names = lines.flatMap((line) => line.match(row)?.[1] ?? []);
    const commands = lines.includes("Examples:") ? ["", ...names] : names;
    expect(commands).not.toEqual([]);
    for (const name of commands) {
      const [summary, , usage = "", ...rest] = await help(...name.split(" ").filter(Boolean));
      const words = [bin, name].filter(Boolean).join(" ");
      expect(summary, words).toMatch(/^[A-Z][a-z]+s [^.]+\.$/);
      const [, given = ""] = usage.match(new RegExp(`^Usage: ${words}(?: (.*))?$`)) ?? [];
      const demanded = given.match(/(?<=^| )--[a-z-]+(?= [A-Z])/g) ?? [];
      const [before = "", after = ""] = given.split(/ ?\[OPTION…\] ?/);
      expect(before, usage).toMatch(/^(--[a-z-]+ [A-Z]+ ?)*$/);
      expect(after, usage).not.toMatch(/(^| )\[?--[a-z]/);
      // Beside what it demands and --help.
      const options = rest.filter((line) => /^ {2}(-\w,| {3}) --/.test(line)).length;
      expect(given.includes("[OPTION…]"), usage).toBe(options > demanded.length + 1);
    }
  });
});
