import { type Election, elect } from "./election.ts";
import { ConfigurationError } from "./errors.ts";
import type { Holder } from "./lock.ts";
import { openSession, type Session } from "./session.ts";

export interface AcquireOptions {
  /** The lock: the name of a ConfigMap in this pod's namespace. */
  name: string;
  /** An object with the shape of client-node's `KubeConfig`; the default is the pod's own access. */
  kubeConfig?: object;
  /** Ends the wait. */
  signal?: AbortSignal;
  /** Called when waiting starts, and when the leader changes. */
  onWaiting?: (leader: { pod: string; uid: string }) => void;
  /** Label selector: before leading, the end of pods that match and are being deleted is awaited. */
  selector?: string;
  /** Told in a sentence, once, when the API server cannot be reached or refuses. */
  onTrouble?: (sentence: string) => void;
}

/** The lock is held by this pod, for as long as the pod lives or until `release`. */
export interface Leadership {
  lock: string;
  pod: string;
  /** Grows with every leader: what one writes can carry it, so that a late write of an old one is refused. */
  fencingToken: string;
  /** Aborts when the lock is seen to be gone, when the API server knows this pod no more, and on `release`. */
  signal: AbortSignal;
  /**
   * Deletes the lock, if it is still ours, so that another may lead at once: call it when all work has ended.
   *
   * @throws RefusedError where the role does not allow it: then the lock stays until the pod is gone
   */
  release(): Promise<void>;
}

/**
 * Waits until this pod holds the lock.
 *
 * @throws ConfigurationError, ForeignLockError, RefusedError, PodEndingError, ApiError, or the signal's reason
 */
export async function acquireLeadership(options: AcquireOptions): Promise<Leadership> {
  const { election, session } = await win(options, process.env);
  const lost = new AbortController();
  let released: Promise<void> | undefined;
  void election.lost.then((reason) => lost.abort(reason)).finally(session.close);
  return {
    lock: options.name,
    pod: session.me.pod,
    fencingToken: election.lock.resourceVersion,
    signal: lost.signal,
    release: () => {
      lost.abort(new Error("the lock was released"));
      released ??= election.release();
      return released;
    },
  };
}

/** Opens a session and wins the election there; what fails is closed again. */
export async function win(
  options: AcquireOptions & { onPredecessors?: (pods: readonly Holder[]) => void },
  env: NodeJS.ProcessEnv,
): Promise<{ election: Election; session: Session }> {
  const { name, kubeConfig, selector, onTrouble = () => {} } = options;
  const { signal = new AbortController().signal } = options;
  checkLockName(name);
  const session = await openSession({ env, kubeConfig, onTrouble, signal });
  try {
    if (selector !== undefined) await checkSelector(selector, session, signal);
    const election = await elect({ ...options, ...session, signal });
    return { election, session };
  } catch (error) {
    session.close();
    throw error;
  }
}

/** What the API server does not take is better known now than when the lock is won. */
async function checkSelector(
  labelSelector: string,
  { api, namespace }: Session,
  signal: AbortSignal,
): Promise<void> {
  if (labelSelector.trim() === "") {
    throw new ConfigurationError(
      "the selector is empty, which every pod matches; expected labels such as app=worker",
    );
  }
  const query = { labelSelector, limit: "1" };
  await api.ask({ verb: "list", resource: "pods", namespace, query }, { signal });
}

/** @throws ConfigurationError for what the API server would not take as a ConfigMap's name */
export function checkLockName(name: string): void {
  if (name.length <= 253 && /^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/.test(name)) return;
  throw new ConfigurationError(
    `${name}: not a name for a lock; expected lower-case letters, digits, "-" and ".", at most 253, as for every ConfigMap`,
  );
}
