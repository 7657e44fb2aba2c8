import { describe, expect, test } from "vitest";
import { firstDifference } from "./compare.ts";
import { readSteps } from "./steps.ts";

test("a README's blocks become files to write and commands to run, with their rows", () => {
  const readme = `# tool

\`\`\`console
$ tool check a \\
    b
found: 2

$ tool fix a
\`\`\`

\`\`\`yaml
# people.yaml: whom to page
- name: Ada
\`\`\`

\`\`\`yaml
spec: {}
\`\`\`

\`\`\`sh
# first
npm install tool   # Node 22 or newer

tool run \\
  --all
\`\`\`
`;
  expect(readSteps(readme)).toEqual([
    { kind: "command", line: 4, command: "tool check a \\\n    b", output: "found: 2\n\n" },
    { kind: "command", line: 8, command: "tool fix a", output: "" },
    { kind: "file", name: "people.yaml", text: "# people.yaml: whom to page\n- name: Ada\n" },
    { kind: "command", line: 22, command: "npm install tool" },
    { kind: "command", line: 24, command: "tool run \\\n  --all" },
  ]);
});

test("output before any command is a mistake of the README", () => {
  expect(() => readSteps("```console\nfound: 2\n```\n")).toThrow(
    /line 2: output without a command/,
  );
});

describe("an output and what the README shows", () => {
  test.each([
    ["the same", "a\nb\n", "a\nb\n"],
    ["lines left out", "a\n…\nd\n", "a\nb\nc\nd\n"],
    ["nothing left out", "a\n…\nd\n", "a\nd\n"],
    ["lines left out twice", "…\nb\n…\nd", "a\nb\nb\nc\nd\n"],
    ["text left out", "see … for more", "see the (manual) for more\n"],
    ["a … of the program's own", "allow if { … → (deleted)", "allow if { … → (deleted)\n"],
    ["another duration", "done in 0.2 s", "done in 12 s\n"],
    ["another uid", "pod a (…)", "pod a (db544d1d-6838-453b-8e86-2a8ac3896bca)\n"],
  ])("agree: %s", (_, shown, printed) => {
    expect(firstDifference(shown, printed)).toBeUndefined();
  });

  test.each([
    ["another word", "a\nb\n", "a\nc\n", 'the README has "b", printed was "c"'],
    ["a line too many", "a\n", "a\nb\n", 'the README ends, printed was "b"'],
    ["a line too few", "a\nb\n", "a\n", 'the README has "b", printed was "nothing more"'],
    ["another end", "a\n…\nd\n", "a\nb\nc\n", 'the README has "d" after …, which was not printed'],
    ["more after the gap's end", "a\n…\nd\n", "a\nd\ne\n", 'the README ends, printed was "e"'],
    ["another number", "2 errors", "3 errors", 'the README has "2 errors", printed was "3 errors"'],
  ])("differ: %s", (_, shown, printed, difference) => {
    expect(firstDifference(shown, printed)).toBe(difference);
  });
});
