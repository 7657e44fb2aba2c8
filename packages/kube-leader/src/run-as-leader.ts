import { spawn } from "node:child_process";
import { once } from "node:events";
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
    const end = () => child.kill("SIGTERM");
    const ends = AbortSignal.any([leadership.signal, ...(options.signal ? [options.signal] : [])]);
    ends.addEventListener("abort", end);
    if (ends.aborted) end();
    try {
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

/** With the minimal role the lock stays for the pod's life; the child's end is the answer all the same. */
async function free(leadership: Leadership, { onTrouble }: AcquireOptions): Promise<void> {
  try {
    await leadership.release();
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    onTrouble?.(error.message);
  }
}
