import { availableParallelism } from "node:os";
import {
  type EmbeddedSession,
  EngineTimeoutError,
  engineHash,
  startEmbedded,
} from "../engine/embedded.ts";
import type { SuiteOptions } from "../engine/engine.ts";
import { percentOf } from "../policy-coverage.ts";
import type { Pragma } from "../pragmas.ts";
import { cacheEntry } from "./cache.ts";
import type { MutationReport, Survivor } from "./mutation-report.ts";

/** A change that the engine proposes, with the tests that reach it. */
export interface Mutant {
  file: string;
  operator: string;
  offset: number;
  length: number;
  original: string;
  replacement: string;
  row: number;
  col: number;
  endRow: number;
  endCol: number;
  tests?: string[];
}

/** What became of one change, and which tests ran to find out. */
export interface Outcome {
  status: "killed" | "survived" | "equivalent" | "invalid" | "timeout";
  ran: string[];
}

export interface MutationOptions extends Omit<SuiteOptions, "contexts"> {
  /** The policies to change, as the engine names them, with their pragmas. */
  policies: { file: string; pragmas: Pragma[] }[];
  /** How long the tests of one change may take. @default 30_000 */
  limitMs?: number;
  signal?: AbortSignal | undefined;
  /** Called after every change. */
  onProgress?: (done: number, all: number) => void;
}

/** One change and what became of it. */
export interface Judged {
  mutant: Mutant;
  outcome: Outcome;
}

// A thread holds an OPA of 150 MB.
const threads = Math.min(availableParallelism(), 4);

/**
 * Changes the policies, one change at a time, and sees whether a test notices. Only tests that reach the changed
 * part run, and only until one fails. It takes the embedded engine: results are kept by the contents of the files.
 *
 * @throws EngineError when this package was built without an engine
 * @throws LoadError when the embedded OPA cannot load the policies (built-in functions of another program)
 */
export async function runMutants(options: MutationOptions): Promise<Judged[]> {
  const { paths, cwd, ignore, v0Compatible, policies, signal: given } = options;
  const suite = { paths, ignore, v0Compatible };
  const stop = new AbortController();
  const signal = given === undefined ? stop.signal : AbortSignal.any([given, stop.signal]);
  const sessions: EmbeddedSession[] = [];
  const start = () => {
    const session = startEmbedded(cwd, signal);
    sessions.push(session);
    return session;
  };
  try {
    const first = start();
    const files = policies.map(({ file }) => file);
    const settings = { engine: await engineHash(), ignore, v0Compatible, files };
    const cache = await cacheEntry<Judged[]>(paths, cwd, settings);
    const known = await cache.read();
    if (known !== undefined) return known;
    const { mutants } = await first.request<{ mutants: Mutant[] }>("mutants", {
      ...suite,
      policies: files,
    });
    const loaded = async () => {
      const session = start();
      await session.request("load", suite);
      return session;
    };
    const judged = await judgeAll(mutants, first, loaded, options);
    await cache.write(judged);
    return judged;
  } finally {
    // Whatever failed first: no thread goes on or starts another.
    stop.abort();
    await Promise.all(sessions.map((session) => session.close()));
  }
}

async function judgeAll(
  mutants: Mutant[],
  first: EmbeddedSession,
  loaded: () => Promise<EmbeddedSession>,
  { limitMs = 30_000, onProgress }: MutationOptions,
): Promise<Judged[]> {
  const judged: Judged[] = [];
  const queue = mutants.entries();
  let done = 0;
  const thread = async (_: unknown, index: number) => {
    let session = index === 0 ? first : await loaded();
    for (const [at, mutant] of queue) {
      const { tests = [], ...change } = mutant;
      const outcome = await session
        .request<Outcome>("mutate", { mutant: change, tests }, limitMs)
        .catch((error: unknown): Outcome => {
          if (!(error instanceof EngineTimeoutError)) throw error;
          return { status: "timeout", ran: tests };
        });
      if (outcome.status === "timeout") session = await loaded();
      judged[at] = { mutant, outcome };
      onProgress?.(++done, mutants.length);
    }
  };
  const count = Math.max(1, Math.min(threads, Math.ceil(mutants.length / 20)));
  await Promise.all(Array.from({ length: count }, thread));
  return judged;
}

/** Counts what became of the changes; those that a pragma accepts or that the coverage ignores do not count. */
export function summarizeMutants(
  judged: Judged[],
  policies: MutationOptions["policies"],
): MutationReport {
  const count = (status: Outcome["status"]) =>
    judged.filter(({ outcome }) => outcome.status === status).length;
  const survivors = judged
    .filter(({ outcome }) => outcome.status === "survived")
    .map(({ mutant }) => toSurvivor(mutant, policies));
  const survived = survivors.filter(({ accepted }) => accepted === undefined).length;
  const [killed, timedOut] = [count("killed"), count("timeout")];
  return {
    score: percentOf(killed + timedOut, killed + timedOut + survived),
    killed,
    timedOut,
    survived,
    accepted: survivors.length - survived,
    invalid: count("invalid"),
    equivalent: count("equivalent"),
    testsRun: judged.reduce((sum, { outcome }) => sum + outcome.ran.length, 0),
    survivors,
  };
}

function toSurvivor(mutant: Mutant, policies: MutationOptions["policies"]): Survivor {
  const { file, row, col, operator, original, replacement, tests = [] } = mutant;
  const pragma = policies
    .find((policy) => policy.file === file)
    ?.pragmas.find(({ start, end }) => row >= start && row <= end);
  return {
    file,
    row,
    column: col,
    operator,
    original,
    changed: replacement,
    reached: tests.length > 0,
    ...(pragma === undefined ? {} : { accepted: pragma.reason }),
  };
}
