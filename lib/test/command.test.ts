import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { command, type Program, runProgram } from "../src/command.ts";
import { UsageError } from "../src/errors.ts";

const greet = command({
  name: "greet",
  usage: "NAME",
  summary: "Greets.",
  options: {
    loud: { short: "l", help: "in capitals" },
    times: { value: "N", help: "how often" },
  },
  examples: [{ line: "tool greet Ada", does: "says hello" }],
  positionals: { min: 1, max: 1 },
  run: async ({ values, positionals: [name = ""], io }) => {
    if (name === "a closed socket")
      throw Object.assign(new Error("write EPIPE"), { code: "EPIPE" });
    if (name === "nobody") throw new UsageError("nobody: there is no such person");
    io.stdout.write(
      `hello ${values.loud ? name.toUpperCase() : name}\n`.repeat(Number(values.times ?? 1)),
    );
    return name === "Mallory" ? 1 : 0;
  },
});
const listUsers = command({ ...greet, name: "list users", usage: "", positionals: { max: 0 } });
const program: Program = {
  name: "tool",
  version: "1.2.3",
  summary: "A tool.",
  commands: [greet, listUsers],
};

const run = (...args: string[]) => runWith({}, ...args);

async function runWith(env: NodeJS.ProcessEnv, ...args: string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const code = await runProgram(program, args, {
    stdout,
    stderr,
    stdin: new PassThrough(),
    env,
  });
  stdout.end();
  stderr.end();
  return { code, stdout: await text(stdout), stderr: await text(stderr) };
}

test("runs the command with its options and gives its exit code", async () => {
  expect(await run("greet", "Ada", "-l", "--times", "2")).toEqual({
    code: 0,
    stdout: "hello ADA\nhello ADA\n",
    stderr: "",
  });
  expect((await run("greet", "Mallory")).code).toBe(1);
});

test("--version and --help, of the program, a group and a command", async () => {
  expect(await run("--version")).toMatchObject({ code: 0, stdout: "1.2.3\n" });
  for (const args of [["--help"], ["-h"], ["help"], ["list", "--help"]]) {
    expect(await run(...args)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("tool greet"),
    });
  }
  const { stdout } = await run("greet", "--help");
  expect(stdout).toContain("Usage: tool greet NAME");
  expect(stdout).toContain("-l, --loud");
  expect(stdout).toContain("# says hello");
});

test.each([
  [[], "tool: a command is missing; known are greet, list users"],
  [["gret"], "tool: gret: no such command; known are greet, list users"],
  [["list"], "tool: list: what to list is missing; known are users"],
  [["list", "groups"], "tool: list: groups: unknown; known are users"],
  [["greet"], "tool: an argument is missing; expected NAME"],
  [["greet", "a", "b"], "tool: b: one argument too many"],
  [["greet", "a", "--lod"], "tool: Unknown option '--lod'"],
  [["greet", "nobody"], "tool: nobody: there is no such person"],
  [["greet", "a closed socket"], "tool: write EPIPE"],
])("%j is refused in one sentence, exit code 2", async (args, sentence) => {
  const { code, stdout, stderr } = await run(...args);
  expect([code, stdout, stderr.split("\n")[0]]).toEqual([2, "", sentence]);
});

test.each([
  ["tool", true],
  ["http,tool", true],
  ["toolbox", false],
  ["*", false],
])("DEBUG=%s adds the stack: %s", async (DEBUG, shown) => {
  const { stderr } = await runWith({ DEBUG }, "greet", "nobody");
  expect(/^ +at /m.test(stderr)).toBe(shown);
});
