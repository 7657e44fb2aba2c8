import type { RolloutContext } from "./context.ts";
import type { HeldAction } from "./record.ts";
import { type Rollout, startRollout } from "./rollout.ts";

/** The instances whose end is in hand. */
export interface Terminations {
  /** A message about the instance is in hand, or something else says that an action holds it. */
  join(instanceId: string, action?: HeldAction): void;
  all(): ReadonlyMap<string, Rollout>;
  /** Whether the action was in hand and is over. */
  isOver(action: HeldAction): boolean;
  /** Forgets what is over of instances other than these. */
  forgetOthers(instanceIds: ReadonlySet<string>): void;
  /** After the signal aborted: resolves when every record is handed over. */
  ended(): Promise<void>;
}

export function createTerminations(context: RolloutContext): Terminations {
  const rollouts = new Map<string, Rollout>();
  const over = new Map<string, Set<string>>();
  const nameOf = ({ asg, hook }: HeldAction) => `${asg} ${hook}`;

  function start(instanceId: string): Rollout {
    const rollout = startRollout(instanceId, context, (actions) => {
      rollouts.delete(instanceId);
      over.set(instanceId, new Set(actions.map(nameOf)));
    });
    rollouts.set(instanceId, rollout);
    return rollout;
  }

  return {
    join: (instanceId, action) => (rollouts.get(instanceId) ?? start(instanceId)).join(action),
    all: () => rollouts,
    isOver: (action) => over.get(action.instanceId)?.has(nameOf(action)) ?? false,
    forgetOthers(instanceIds) {
      for (const id of over.keys()) if (!instanceIds.has(id)) over.delete(id);
    },
    ended: async () => {
      await Promise.all([...rollouts.values()].map(({ ended }) => ended));
    },
  };
}
