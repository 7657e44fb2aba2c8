import { spawn } from "node:child_process";
import { access, readFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { text } from "node:stream/consumers";
import type { TestResult } from "../coverage-report.ts";
import { EngineError, LoadError } from "../errors.ts";
import { type FileRanges, readReport } from "../report.ts";
import { findTests } from "../test-rules.ts";
import type { Engine, SuiteOptions, SuiteRun } from "./engine.ts";
import { type OpaResult, toTestResult } from "./results.ts";
import { withWrappedTests, wrappedPattern } from "./wrapped-tests.ts";

/** OPA's own executable, or any command that has its `test` and `version`. */
export function nativeEngine(
  command: string[],
  cwd: string,
  given?: AbortSignal | undefined,
): Engine {
  const stop = new AbortController();
  const signal = given === undefined ? stop.signal : AbortSignal.any([given, stop.signal]);
  const runs: Promise<SuiteRun>[] = [];
  const [program = ""] = command;
  const named = /^opa([_.-].*)?$/.test(basename(program)) && command.length === 1;
  return {
    name: named ? "opa" : "command",
    async version() {
      const { stdout } = await execute([...command, "version"], cwd, signal);
      return /^Version:\s*(\S+)/m.exec(stdout)?.[1] ?? "unknown";
    },
    run(options) {
      const run = runSuite(command, { ...options, signal });
      runs.push(run);
      return run;
    },
    async close() {
      stop.abort();
      await Promise.allSettled(runs); // each removes its temporary files
    },
  };
}

/** A suite, and what ends its processes. */
interface NativeSuite extends SuiteOptions {
  signal: AbortSignal;
}

/**
 * One run where all is well. OPA gives no coverage when a test fails (and older ones not when one is
 * skipped), and no list of the tests with the coverage: then a second run gives the results, and a third one the
 * coverage of the tests that were evaluated to their end, passed or failed.
 */
async function runSuite(command: string[], options: NativeSuite): Promise<SuiteRun> {
  const covered = await opaTest(command, options, ["--coverage"]);
  const coverage = await ownFiles(parseCoverage(covered.stdout), options.cwd);
  if (coverage !== undefined && covered.code === 0) {
    const tests = await testsInSources([...coverage.keys()], options.cwd);
    if (tests.length > 0) return withContexts(command, options, { tests, coverage });
  }
  const tests = await resultsOnly(command, options);
  if (coverage !== undefined) return withContexts(command, options, { tests, coverage });
  const evaluated = tests.filter(({ result }) => result === "pass" || result === "fail");
  const names = evaluated.map(({ name }) => name);
  const partial = await coverageOfWrapped(command, options, names);
  if (
    partial === undefined &&
    tests.every(({ result }) => result === "pass" || result === "skip")
  ) {
    const said = (covered.stderr || covered.stdout).trimEnd();
    throw new EngineError(`${command.join(" ")} test --coverage gives no coverage: ${said}`);
  }
  return withContexts(command, options, { tests, coverage: partial });
}

/** The tests' names and places, from the sources: all that run passed, or there would be no coverage. */
async function testsInSources(files: string[], cwd: string): Promise<TestResult[]> {
  const found = await Promise.all(
    files.map(async (file) => {
      const source = await readFile(resolve(cwd, file), "utf8");
      if (!source.includes("test_")) return [];
      return findTests(source).map(
        ({ name, row, todo }): TestResult => ({ name, file, row, result: todo ? "skip" : "pass" }),
      );
    }),
  );
  return found.flat();
}

async function resultsOnly(command: string[], options: NativeSuite): Promise<TestResult[]> {
  const { stdout, stderr } = await opaTest(command, options, ["--format", "json"]);
  const results = parseJson(stdout);
  if (!Array.isArray(results)) {
    const said = (stderr || stdout).trimEnd();
    const [, unknown] = /^(?:Error: )?(unknown flag: \S+)$/m.exec(said) ?? [];
    if (unknown !== undefined) {
      throw new EngineError(
        `${command.join(" ")} test: ${unknown}; --opa takes the command line of an OPA that has it`,
      );
    }
    if (said !== "") throw new LoadError(said);
    throw new EngineError(
      `${command.join(" ")} test said nothing; --opa takes the command line of an OPA`,
    );
  }
  return (results as OpaResult[]).map(toTestResult);
}

/** @returns undefined when OPA gives none: a test that ended before does not do so again */
async function coverageOfWrapped(
  command: string[],
  options: NativeSuite,
  names: string[],
): Promise<Map<string, FileRanges> | undefined> {
  return withWrappedTests(names, options.cwd, async (file) => {
    const coverage = await runWrapped(command, options, file, wrappedPattern());
    return ownFiles(coverage, options.cwd);
  });
}

/** Adds the coverage of every passing test alone, one run each. */
async function withContexts(
  command: string[],
  options: NativeSuite,
  run: SuiteRun,
): Promise<SuiteRun> {
  if (!options.contexts) return run;
  const names = run.tests.filter(({ result }) => result === "pass").map(({ name }) => name);
  // Wrapped, for `--run` does not tell apart tests of the same name.
  const contexts = await withWrappedTests(names, options.cwd, async (file) => {
    const found = new Map<string, Map<string, FileRanges>>();
    for (const [index, name] of names.entries()) {
      const coverage = await runWrapped(command, options, file, wrappedPattern(index));
      if (coverage === undefined) return undefined;
      found.set(name, coverage);
    }
    return found;
  });
  return { ...run, contexts: contexts ?? new Map() };
}

/** The coverage of wrapped tests, without the file that wraps them. */
async function runWrapped(
  command: string[],
  options: NativeSuite,
  file: string,
  pattern: string,
): Promise<Map<string, FileRanges> | undefined> {
  const paths = [...options.paths, file];
  const flags = ["--coverage", "--run", pattern];
  const { stdout } = await opaTest(command, { ...options, paths }, flags);
  const coverage = parseCoverage(stdout);
  for (const key of coverage?.keys() ?? []) {
    if (resolve(options.cwd, key) === resolve(options.cwd, file)) coverage?.delete(key);
  }
  return coverage;
}

function opaTest(command: string[], options: NativeSuite, flags: string[]): Promise<Executed> {
  const { paths, cwd, ignore, v0Compatible, signal } = options;
  const args = [
    ...ignore.map((glob) => `--ignore=${glob}`),
    ...(v0Compatible ? ["--v0-compatible"] : []),
    "--",
    ...paths,
  ];
  return execute([...command, "test", ...flags, ...args], cwd, signal);
}

interface Executed {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a command to its end; its exit code is the caller's to judge. */
async function execute(command: string[], cwd: string, signal: AbortSignal): Promise<Executed> {
  signal.throwIfAborted(); // Node starts a process even then, and kills it
  const [program = "", ...args] = command;
  const child = spawn(program, args, { cwd, signal, stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<number | null>((done, fail) => {
    child.on("error", fail).on("close", done);
  });
  try {
    const [code, stdout, stderr] = await Promise.all([
      ended,
      text(child.stdout),
      text(child.stderr),
    ]);
    return { code, stdout, stderr };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "EACCES") throw error;
    const why = code === "ENOENT" ? "no such command" : "is not executable";
    throw new EngineError(`${program}: ${why}; --opa takes the command line of an OPA`, {
      cause: error,
    });
  }
}

/** Without the modules that a command carries in itself, as regal does: they are no files, and not the user's. */
async function ownFiles(
  coverage: Map<string, FileRanges> | undefined,
  cwd: string,
): Promise<Map<string, FileRanges> | undefined> {
  const [first] = coverage?.keys() ?? [];
  for (const file of coverage?.keys() ?? []) {
    await access(resolve(cwd, file)).catch(() => coverage?.delete(file));
  }
  // A report of nothing that is here must not pass for one of nothing to cover.
  if (first !== undefined && coverage?.size === 0) {
    throw new EngineError(
      `the report names ${first}, which is not here; --opa must see the policies at the paths that they have here`,
    );
  }
  return coverage;
}

function parseCoverage(stdout: string): Map<string, FileRanges> | undefined {
  const report = parseJson(stdout);
  const looksLikeIt = typeof report === "object" && report !== null && "files" in report;
  return looksLikeIt ? readReport(report) : undefined;
}

function parseJson(stdout: string): unknown {
  try {
    return JSON.parse(stdout);
  } catch {
    return undefined;
  }
}
