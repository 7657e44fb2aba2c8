import { setImmediate } from "node:timers/promises";
import { checkSize, findCommand } from "./command-path.ts";
import { isInCluster } from "./connection.ts";
import { CommandError, PodEndingError } from "./errors.ts";
import { win } from "./leadership.ts";
import type { Holder } from "./lock.ts";
import type { Note } from "./notes.ts";
import { becomeCommand } from "./replace.ts";

/** What the command line asks for. */
export interface Plan {
  /** The lock's name. */
  name: string;
  command: string;
  args: string[];
  timeoutSeconds: number | undefined;
  healthPort: number | undefined;
  selector: string | undefined;
  env: NodeJS.ProcessEnv;
  note: Note;
}

/**
 * Waits for the lock and becomes the command.
 *
 * @returns the exit code, where the process was not replaced
 * @throws the signal's reason, when it ended the wait
 */
export async function leadAndRun(plan: Plan, signal: AbortSignal): Promise<number> {
  try {
    return await lead(plan, signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    plan.note((error as Error).message, {}, "ERROR");
    return exitCodeOf(error);
  }
}

async function lead(plan: Plan, signal: AbortSignal): Promise<number> {
  const { command, args, env, name, note } = plan;
  const found = findCommand(command, env);
  checkSize([command, ...args], env);
  if (!isInCluster(env)) {
    note(
      `not in a cluster (no KUBERNETES_SERVICE_HOST and no token): running ${command} without a lock`,
    );
    await hearSignals(signal);
    return becomeCommand({ command, args, env, found });
  }
  const won = await waitToLead(plan, signal);
  const { election, session } = won;
  const leaderEnv = {
    ...env,
    KUBE_LEADER_LOCK: name,
    KUBE_LEADER_POD: session.me.pod,
    KUBE_LEADER_FENCING_TOKEN: election.lock.resourceVersion,
  };
  try {
    // The program may have changed while we waited.
    const foundNow = findCommand(command, env);
    checkSize([command, ...args], leaderEnv);
    note(`pod ${session.me.pod} leads ${name}`, {
      lock: name,
      pod: session.me.pod,
      fencingToken: election.lock.resourceVersion,
    });
    await hearSignals(signal);
    election.stop();
    return await becomeCommand({ command, args, env: leaderEnv, found: foundNow });
  } catch (error) {
    await election.giveBack(signal);
    throw error;
  } finally {
    session.close();
  }
}

/**
 * A signal that came until now must be heard before there is nobody left to hear it. The first turn of the event loop
 * may have looked for signals already, the second has not.
 *
 * @throws the signal's reason
 */
async function hearSignals(signal: AbortSignal): Promise<void> {
  await setImmediate();
  await setImmediate();
  signal.throwIfAborted();
}

async function waitToLead(plan: Plan, signal: AbortSignal) {
  const { name, selector, timeoutSeconds, healthPort, env, note } = plan;
  const timeout = timeoutSeconds === undefined ? [] : [timeoutAfter(timeoutSeconds)];
  const stopProbes = await probesOn(healthPort);
  let holder: Holder | undefined;
  try {
    return await win(
      {
        name,
        ...(selector === undefined ? {} : { selector }),
        signal: AbortSignal.any([signal, ...timeout]),
        onWaiting: (leader) => {
          const words = holder ? `${name} is now held by` : `waiting for ${name}, held by`;
          holder = leader;
          note(`${words} pod ${leader.pod} (${leader.uid})`, { lock: name, ...leader });
        },
        onPredecessors: (pods) => {
          const names = pods.map(({ pod }) => pod).join(", ");
          note(`${name} is ours; waiting for the end of ${names}`, { lock: name });
        },
        onTrouble: (sentence) => note(sentence, { lock: name }, "WARN"),
      },
      env,
    );
  } catch (error) {
    if (!isTimeout(error)) throw error;
    const held =
      holder === undefined ? "" : `, held by pod ${holder.pod} (${holder.uid}) when last seen`;
    throw new DOMException(
      `gave up waiting for ${name} after ${timeoutSeconds} s${held}`,
      error.name,
    );
  } finally {
    await stopProbes();
  }
}

async function probesOn(port: number | undefined): Promise<() => Promise<void>> {
  if (port === undefined) return async () => {};
  const { answerProbes } = await import("./health.ts");
  return answerProbes(port);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommandError) return error.exitCode;
  if (error instanceof PodEndingError) return 143;
  return isTimeout(error) ? 124 : 2;
}

function timeoutAfter(seconds: number): AbortSignal {
  // Whole milliseconds are all that a timer takes, and 16.1 s are not 16100 of them in binary.
  return AbortSignal.timeout(Math.ceil(seconds * 1000));
}

function isTimeout(error: unknown): error is DOMException {
  return (error as Error).name === "TimeoutError";
}
