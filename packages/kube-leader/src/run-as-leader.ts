import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AcquireOptions, acquireLeadership } from "./leadership.ts";

/**
 * Waits until this pod holds the lock, runs the command as a child with this process's streams, and frees the
 * lock when it has ended. The child gets SIGTERM when `signal` aborts or the lock is lost.
 *
 * @returns how the child ended
 * @throws what `acquireLeadership` throws, and the system's error when the command cannot be started
 */
export async function runAsLeader(
  command: string,
  args: string[],
  options: AcquireOptions,
): Promise<{ code: number | null; signal: string | null }> {
  const leadership = await acquireLeadership(options);
  const { lock, pod, fencingToken } = leadership;
  try {
    const child = spawn(command, args, {
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
    const [code, signal] = (await once(child, "close")) as [number | null, string | null];
    ends.removeEventListener("abort", end);
    return { code, signal };
  } finally {
    await leadership.release();
  }
}
