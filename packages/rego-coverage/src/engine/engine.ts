import type { CoverageReport, TestResult } from "../coverage-report.ts";
import type { FileRanges } from "../report.ts";

/** What one run of the tests is about. */
export interface SuiteOptions {
  /** Files and folders, loaded together. */
  paths: string[];
  cwd: string;
  /** Names of files and folders to leave out, with `*`, `?` and `[…]`. */
  ignore: string[];
  v0Compatible: boolean;
  /** Also find out which tests exercise which rows. */
  contexts: boolean;
}

/** What one run of the tests gave. */
export interface SuiteRun {
  tests: TestResult[];
  /** By file as OPA names it; undefined when the engine gives no coverage because tests failed. */
  coverage: Map<string, FileRanges> | undefined;
  /** By test name; only when asked for. */
  contexts?: Map<string, Map<string, FileRanges>>;
}

/** Something that runs Rego tests. */
export interface Engine {
  name: CoverageReport["engine"]["name"];
  version(): Promise<string>;
  /**
   * @throws LoadError when the policies cannot be loaded or compiled
   * @throws EngineError when the engine cannot be started
   */
  run(options: SuiteOptions): Promise<SuiteRun>;
  /** Ends what it has started: runs that go on fail, and later ones do. */
  close(): Promise<void>;
}
