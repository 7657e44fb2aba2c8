import { availableParallelism } from "node:os";
import { resolve, sep } from "node:path";
import { contextsOf } from "./contexts.ts";
import type { CoverageReport, MutationReport } from "./coverage-report.ts";
import { chooseEngine } from "./engine/choose.ts";
import type { Engine, SuiteOptions, SuiteRun } from "./engine/engine.ts";
import { InputError } from "./errors.ts";
import { mergeRuns } from "./merge-runs.ts";
import { byText, sortMissing } from "./missing.ts";
import type { Judged } from "./mutate/mutate.ts";
import { checkPaths, splitFolders } from "./paths.ts";
import { judgePolicy, type PolicyCoverage, percentOf, summarize } from "./policy-coverage.ts";
import { readPolicies } from "./sources.ts";

/** What to run, and with what. */
export interface CoverageOptions {
  /** Files and folders of policies and their tests. @default ["policies"] */
  paths?: string[];
  /** The command line of an OPA. @default `$OPA`, `opa` on the PATH, or the embedded engine */
  opa?: string[];
  /** Policies in Rego v0 syntax. @default false */
  v0Compatible?: boolean;
  /** Names of files and folders that OPA shall not load, with `*`, `?` and `[…]`; a comma parts two. @default [] */
  ignore?: string[];
  /** Run each folder of policies on its own and merge: for folders that reuse a package. @default false */
  each?: boolean;
  /** Also report which tests exercise which rows. @default false */
  contexts?: boolean;
  /** Also change the policies, and report which changes no test notices. @default false */
  mutate?: boolean;
  /** Called while changes are tried. */
  onMutant?: (done: number, all: number) => void;
  /** A git revision: only policy lines that changed since then count. @default all count */
  changed?: string;
  /** Where relative paths start. @default the working directory */
  cwd?: string;
  /** Ends the run and all that it started; `runCoverage` then throws the signal's reason or an `AbortError`. */
  signal?: AbortSignal;
}

/** A report with what only some formats need: the policies' sources and ranges. */
export interface DetailedReport {
  report: CoverageReport;
  policies: PolicyCoverage[];
}

/**
 * Runs the tests and reports what of the policies they exercise: once where all pass. After a failed test an OPA
 * outside the package runs once or twice more, for it gives no coverage then; `contexts` takes a run for each test.
 *
 * @throws LoadError when OPA cannot load or compile the policies
 * @throws EngineError when there is no OPA to run
 * @throws ReportError when what it reports is no coverage
 * @throws InputError for paths without policies, and pragmas without a reason
 */
export async function runCoverage(options: CoverageOptions = {}): Promise<CoverageReport> {
  return (await runDetailed(options)).report;
}

/** {@link runCoverage}, with the sources and ranges that lcov, cobertura and html are made of. */
export async function runDetailed(options: CoverageOptions = {}): Promise<DetailedReport> {
  const { paths = ["policies"], cwd = process.cwd(), changed, signal } = options;
  signal?.throwIfAborted();
  // OPA takes a list with commas for several.
  const ignore = (options.ignore ?? []).flatMap((globs) => globs.split(","));
  await checkPaths(paths, cwd);
  const engine = await chooseEngine(options.opa, cwd, signal);
  const gathered = Promise.all([
    engine.version(),
    runUnits(engine, { ...options, paths, cwd, ignore }),
    changed === undefined
      ? undefined
      : import("./changed-rows.ts").then((git) => git.changesSince(changed, cwd, signal)),
  ]);
  const [version, run, changes] = await gathered.finally(() => engine.close());
  const coverage = run.coverage ?? new Map();
  const sources = await readPolicies(coverage.keys(), cwd);
  if (coverage.size === 0 && run.tests.length === 0) {
    throw new InputError(`${paths.join(", ")}: no Rego files; give the folder of the policies`);
  }
  const policies = sources
    .toSorted((a, b) => byText(a.file, b.file))
    .flatMap((source) => {
      const within = changes === undefined ? "all" : changes.of(source.path);
      return within === undefined ? [] : [judgePolicy(source, coverage.get(source.file)!, within)];
    });
  const report = assemble({ name: engine.name, version }, run, policies);
  const sound = run.tests.every(({ result }) => result === "pass" || result === "skip");
  if (options.mutate && sound)
    report.mutation = await mutate(policies, { ...options, paths, cwd, ignore });
  return { report, policies };
}

async function mutate(
  policies: PolicyCoverage[],
  options: CoverageOptions & { paths: string[]; cwd: string },
): Promise<MutationReport> {
  const [{ runMutants, summarizeMutants }, { removeUnusedEntries }] = await Promise.all([
    import("./mutate/mutate.ts"),
    import("./mutate/cache.ts"),
  ]);
  const { paths, cwd, ignore = [], v0Compatible = false, signal, onMutant } = options;
  const folders = options.each ? await splitFolders(paths, cwd, ignore) : undefined;
  const judged: Judged[] = [];
  for (const folder of folders ?? [undefined]) {
    const inside = ({ file }: PolicyCoverage) =>
      folder === undefined || isWithin(resolve(cwd, folder), resolve(cwd, file));
    judged.push(
      ...(await runMutants({
        paths: folder === undefined ? paths : [folder],
        cwd,
        ignore,
        v0Compatible,
        signal,
        policies: policies.filter(inside),
        ...(onMutant === undefined ? {} : { onProgress: onMutant }),
      })),
    );
  }
  await removeUnusedEntries();
  return summarizeMutants(judged, policies);
}

function isWithin(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder + sep);
}

async function runUnits(
  engine: Engine,
  options: CoverageOptions & { paths: string[]; cwd: string },
): Promise<SuiteRun> {
  const { paths, cwd, ignore = [], v0Compatible = false, contexts = false } = options;
  const suite: SuiteOptions = { paths, cwd, ignore, v0Compatible, contexts };
  if (!options.each) return engine.run(suite);
  const folders = await splitFolders(paths, cwd, ignore);
  const runs: SuiteRun[] = [];
  const queue = folders.entries();
  const worker = async () => {
    for (const [index, folder] of queue) {
      runs[index] = await engine.run({ ...suite, paths: [folder] });
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return mergeRuns(runs);
}

function assemble(
  engine: CoverageReport["engine"],
  run: SuiteRun,
  policies: PolicyCoverage[],
): CoverageReport {
  const files = policies.map(summarize);
  const coverable = files.reduce((sum, file) => sum + file.coverable, 0);
  const covered = files.reduce((sum, file) => sum + file.covered, 0);
  const ignored = policies.flatMap((policy) => policy.ignored);
  return {
    engine,
    tests: run.tests.toSorted(
      (a, b) => byText(a.file, b.file) || a.row - b.row || byText(a.name, b.name),
    ),
    files,
    missing: sortMissing(policies.flatMap(({ missing }) => missing)),
    summary: { coverable, covered, percent: percentOf(covered, coverable) },
    ...(ignored.length > 0 ? { ignored } : {}),
    ...(run.contexts === undefined ? {} : { contexts: contextsOf(run.contexts, policies) }),
  };
}
