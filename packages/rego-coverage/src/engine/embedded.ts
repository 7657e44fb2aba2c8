import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import { EngineError, LoadError } from "../errors.ts";
import { type FileRanges, readReport } from "../report.ts";
import type { Engine, SuiteOptions, SuiteRun } from "./engine.ts";
import { type OpaResult, toTestResult } from "./results.ts";

/** A test that does not end. */
export class EngineTimeoutError extends EngineError {
  override name = "EngineTimeoutError";
}

/** How long a test may take; OPA's own limit cannot interrupt a single thread. */
const testLimitMs = 60_000;

// Beside the bundle in a published package; in dist when the sources run as they are.
const engineFolder = [
  new URL("./engine/", import.meta.url),
  new URL("../../dist/engine/", import.meta.url),
].find((folder) => existsSync(new URL("opa.wasm.br", folder)));

/** Whether this package was built with an engine. */
export function embeddedExists(): boolean {
  return engineFolder !== undefined;
}

/** What results of this very engine are kept under. */
export async function engineHash(): Promise<string> {
  const engine = engineFolder && (await readFile(new URL("opa.wasm.br", engineFolder)));
  return createHash("sha256")
    .update(engine ?? "")
    .digest("hex");
}

/** A started engine. Requests wait for each other; `close` ends its thread. */
export interface EmbeddedSession {
  /**
   * @throws LoadError with OPA's message when it refuses
   * @throws EngineTimeoutError when nothing comes from it for so long; the engine is ended then
   */
  request<T>(command: string, parameters?: object, silenceLimitMs?: number): Promise<T>;
  close(): Promise<void>;
}

/** The engine inside the package: OPA compiled to WebAssembly. */
export function embeddedEngine(cwd: string, signal?: AbortSignal | undefined): Engine {
  let session: EmbeddedSession | undefined;
  const started = () => {
    session ??= startEmbedded(cwd, signal);
    return session;
  };
  return {
    name: "embedded",
    version: async () => (await started().request<{ version: string }>("version")).version,
    run: (options) => runSuite(started(), options),
    close: async () => session?.close(),
  };
}

async function runSuite(session: EmbeddedSession, options: SuiteOptions): Promise<SuiteRun> {
  const { paths, ignore, v0Compatible, contexts } = options;
  const answer = await session.request<{
    results: OpaResult[];
    report: unknown;
    contexts?: Record<string, unknown>;
  }>("test", { paths, ignore, v0Compatible, contexts });
  return {
    tests: answer.results.map(toTestResult),
    coverage: readReport(answer.report),
    ...(contexts ? { contexts: readContexts(answer.contexts ?? {}) } : {}),
  };
}

function readContexts(contexts: Record<string, unknown>): Map<string, Map<string, FileRanges>> {
  return new Map(Object.entries(contexts).map(([name, report]) => [name, readReport(report)]));
}

let running = 0;

/**
 * V8's optimizing compiler needs a second and 100 MB for Go's largest functions, a suite's whole time, and gains
 * little on longer ones. The flags are the process's, so they go back when the last engine ends.
 */
function optimizeWasm(yes: boolean): void {
  for (const flag of ["wasm-tier-up", "wasm-dynamic-tiering"]) {
    setFlagsFromString(yes ? `--${flag}` : `--no-${flag}`);
  }
}

/**
 * Starts an engine in a thread.
 *
 * @param cwd where relative paths start
 * @throws EngineError when this package was built without one
 */
export function startEmbedded(cwd: string, signal?: AbortSignal | undefined): EmbeddedSession {
  signal?.throwIfAborted();
  if (engineFolder === undefined) {
    throw new EngineError(
      "this build has no embedded engine: it was built without Go; use a published package",
    );
  }
  if (running++ === 0) optimizeWasm(false);
  const worker = new Worker(new URL("worker.js", engineFolder), { workerData: { cwd } });
  worker.once("exit", () => {
    if (--running === 0) optimizeWasm(true);
  });
  worker.setMaxListeners(0);
  const abort = () => worker.terminate();
  signal?.addEventListener("abort", abort);
  let ended = false;
  worker.once("exit", () => {
    ended = true;
  });
  let last: Promise<unknown> = Promise.resolve();
  return {
    request<T>(command: string, parameters: object = {}, limitMs = testLimitMs) {
      const answer = last.then(() => {
        // Who asks a thread that is gone would wait for the time limit.
        if (ended) throw endedEarly(signal);
        return ask<T>(worker, JSON.stringify({ command, ...parameters }), limitMs, signal);
      });
      last = answer.catch(() => {});
      return answer;
    },
    async close() {
      signal?.removeEventListener("abort", abort);
      await worker.terminate();
    },
  };
}

function endedEarly(signal: AbortSignal | undefined): unknown {
  return signal?.aborted ? signal.reason : new EngineError("the embedded engine ended early");
}

function ask<T>(
  worker: Worker,
  request: string,
  limitMs: number,
  signal: AbortSignal | undefined,
): Promise<T> {
  return new Promise<T>((done, fail) => {
    const timer = setTimeout(() => {
      settle();
      worker.terminate();
      fail(
        new EngineTimeoutError(`no test ended within ${limitMs / 1000} s; the engine was stopped`),
      );
    }, limitMs);
    const onMessage = (message: { progress?: true; answer?: string }) => {
      timer.refresh();
      if (message.answer === undefined) return;
      settle();
      const value = JSON.parse(message.answer) as T & { error?: string };
      if (value.error === undefined) done(value);
      else fail(new LoadError(value.error));
    };
    const onError = (error: unknown) => {
      settle();
      fail(new EngineError(`the embedded engine ended: ${error}`, { cause: error }));
    };
    const onExit = () => {
      settle();
      fail(endedEarly(signal));
    };
    const settle = () => {
      clearTimeout(timer);
      worker.off("message", onMessage).off("error", onError).off("exit", onExit);
    };
    worker.on("message", onMessage).on("error", onError).on("exit", onExit);
    worker.postMessage(request);
  });
}
