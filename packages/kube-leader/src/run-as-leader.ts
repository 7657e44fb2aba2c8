import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { findCommand } from "./command-path.ts";
import { CommandError, RefusedError } from "./errors.ts";
import { type AcquireOptions, acquireLeadership, type Leadership } from "./leadership.ts";

/**
 * Waits until this pod holds the lock, runs the command as a child with this process's streams, and frees the
 * lock when it has ended. The child gets SIGTERM when `signal` aborts or the lock is lost.
 *
 * @returns how the child ended
 * @throws CommandError when the command cannot be run, mostly before it waits; what `acquireLeadership` throws
 */
export async function runAsLeader(
  command: string,
  args: string[],
  options: AcquireOptions,
): Promise<{ code: number | null; signal: string | null }> {
  const { path } = findCommand(command, process.env);
  const leadership = await acquireLeadership(options);
  const { lock, pod, fencingToken } = leadership;
  try {
    const ends = AbortSignal.any([leadership.signal, ...(options.signal ? [options.signal] : [])]);
    let end = () => {};
    try {
      const child = spawn(path, args, {
        argv0: command,
        stdio: "inherit",
        env: {
          ...process.env,
          KUBE_LEADER_LOCK: lock,
          KUBE_LEADER_POD: pod,
          KUBE_LEADER_FENCING_TOKEN: fencingToken,
        },
      });
      end = () => child.kill("SIGTERM");
      ends.addEventListener("abort", end);
      if (ends.aborted) end();
      const [code, signal] = (await once(child, "close")) as [number | null, string | null];
      return { code, signal };
    } catch (error) {
      throw new CommandError(`cannot run ${command}: ${(error as Error).message}`, 126);
    } finally {
      ends.removeEventListener("abort", end);
    }
  } finally {
    await free(leadership, options);
  }
}

/** How long the child's end waits until the lock is freed. */
const freeMs = 5_000;

/**
 * With the minimal role the lock stays for the pod's life, and while the API server is away for as long as that lasts;
 * the child's end is the answer all the same.
 */
async function free(leadership: Leadership, { onTrouble }: AcquireOptions): Promise<void> {
  const enough = new AbortController();
  const freed = leadership.release().catch((error: unknown) => {
    if (!(error instanceof RefusedError)) throw error;
    onTrouble?.(error.message);
  });
  const late = sleep(freeMs, "late", { signal: enough.signal }).catch(() => undefined);
  const first = await Promise.race([freed, late]).finally(() => enough.abort());
  if (first !== "late") return;
  const message = `${leadership.lock} is not freed yet, the API server does not answer; it is tried on`;
  onTrouble?.(message);
  freed.catch((error: unknown) => onTrouble?.((error as Error).message));
}
