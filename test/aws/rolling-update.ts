import type { FakeAws } from "./fake.ts";
import type { Action, Group } from "./lifecycle.ts";
import type { Signal, Stack } from "./stacks.ts";

export interface RollingUpdateOptions {
  group: string;
  stack: string;
  /** The group's logical id in the stack. */
  resource: string;
  maxBatchSize: number;
  /** Launches the first batch before anything is terminated, as with MinInstancesInService at the group's size. @default true */
  surge?: boolean;
  /** From a batch's launch until a missing signal counts as a failure, in milliseconds. */
  pauseMs: number;
  /** A new instance begins to start; it is of the old version while the update rolls back. */
  onLaunch(instanceId: string, rollingBack: boolean): void;
  /** Hooks hold an instance: its notifications are due. */
  onHeld(actions: Action[]): void;
}

export interface RollingUpdate {
  /** The stack's last status. */
  done: Promise<string>;
  /** What happened, in order: `launch ID`, `terminate ID`, `SUCCESS ID`, `rollback`. */
  log: string[];
  /** What CloudFormation would not have understood. A test expects none. */
  problems: string[];
}

/**
 * Begins a rolling update as CloudFormation does it with WaitOnResourceSignals: launch a batch, wait for a signal of
 * each of its instances, terminate as many old ones and have them replaced, and so on. A failure, or a signal that
 * does not come, rolls back in the same way. It does not wait for the instances that it terminates: their hooks
 * are Auto Scaling's.
 */
export function startRollingUpdate(aws: FakeAws, options: RollingUpdateOptions): RollingUpdate {
  const { maxBatchSize, surge = true, pauseMs } = options;
  const stack = aws.stacks.find(options.stack);
  const group = aws.lifecycle.groups.get(options.group) as Group;
  const log: string[] = [];
  const problems: string[] = [];
  const launched = new Set<string>();
  const signals = new Map<string, PromiseWithResolvers<Signal["status"]>>();
  let count = 0;

  aws.stacks.onSignal = ({ uniqueId, status }) => {
    log.push(`${status} ${uniqueId}`);
    const waiting = signals.get(uniqueId);
    if (waiting === undefined) problems.push(`${status} for ${uniqueId}, which nobody waits for`);
    waiting?.resolve(status);
  };

  function launch(rollingBack: boolean): string {
    const id = `i-${options.group}-${++count}`;
    log.push(`launch ${id}`);
    launched.add(id);
    signals.set(id, Promise.withResolvers());
    const held = aws.begin(options.group, id, "autoscaling:EC2_INSTANCE_LAUNCHING");
    options.onLaunch(id, rollingBack);
    if (held.length > 0) options.onHeld(held);
    return id;
  }

  function terminate(id: string): void {
    log.push(`terminate ${id}`);
    signals.delete(id);
    options.onHeld(aws.begin(options.group, id, "autoscaling:EC2_INSTANCE_TERMINATING"));
  }

  /** Waits for a batch; false for a failure or silence. */
  async function isGood(batch: readonly string[]): Promise<boolean> {
    if (batch.length === 0) return true;
    const failure = Promise.withResolvers<false>();
    const timer = setTimeout(() => failure.resolve(false), pauseMs);
    const each = batch.map(async (id) => {
      if ((await signals.get(id)?.promise) === "FAILURE") failure.resolve(false);
    });
    const good = await Promise.race([failure.promise, Promise.all(each).then(() => true as const)]);
    clearTimeout(timer);
    return good;
  }

  /** Replaces instances by as many new ones, or fewer where there are enough. */
  async function roll(obsolete: string[], size: number, rollingBack: boolean): Promise<boolean> {
    const isRunning = ({ state }: { state: string }) => !state.startsWith("Terminating");
    const running = () => [...group.instances.values()].filter(isRunning).length;
    const launchBatch = (most: number) =>
      Array.from({ length: Math.min(maxBatchSize, most) }, () => launch(rollingBack));
    if (surge && !rollingBack && !(await isGood(launchBatch(size)))) return false;
    while (obsolete.length > 0) {
      const batch = obsolete.splice(0, maxBatchSize);
      batch.forEach(terminate);
      const missing =
        size - running() + (surge && !rollingBack ? Math.min(obsolete.length, maxBatchSize) : 0);
      if (!(await isGood(launchBatch(Math.max(0, missing))))) return false;
    }
    return true;
  }

  function end(status: Stack["status"]): string {
    stack.status = status;
    log.push(status);
    return status;
  }

  async function run(): Promise<string> {
    const old = [...group.instances.keys()];
    const size = old.length;
    stack.status = "UPDATE_IN_PROGRESS";
    stack.updatedAt = Date.now();
    if (await roll(old, size, false)) return end("UPDATE_COMPLETE");
    end("UPDATE_ROLLBACK_IN_PROGRESS");
    const made = [...launched].filter((id) => group.instances.has(id));
    const good = await roll(made, size, true);
    return end(good ? "UPDATE_ROLLBACK_COMPLETE" : "UPDATE_ROLLBACK_FAILED");
  }

  return { done: run(), log, problems };
}
