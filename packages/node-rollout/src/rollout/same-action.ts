import type { LifecycleAction } from "../aws/lifecycle-hooks.ts";
import type { HoldState } from "./heart.ts";

/**
 * Whether an action is one that is known already, by whatever way each came. A hook holds an instance once: an
 * action without a token is whichever is active.
 */
export function isSameAction(
  known: { action: LifecycleAction; state: HoldState },
  { asg, hook, token }: LifecycleAction,
): boolean {
  const { action, state } = known;
  if (action.asg !== asg || action.hook !== hook) return false;
  if (action.token === token || action.token === undefined) return true;
  return token === undefined && state !== "gone";
}
