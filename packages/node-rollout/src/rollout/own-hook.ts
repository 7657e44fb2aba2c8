import type { HookSettings } from "../aws/lifecycle-hooks.ts";

/**
 * Whether a hook of one of our groups is ours. One that notifies another queue is somebody else's; one without a
 * queue may come to ours by way of SNS or EventBridge.
 *
 * @param own.hooks the names of ours, where the configuration lists them
 */
export function isOwnHook(
  { name, target }: Pick<HookSettings, "name" | "target">,
  { queueUrl, hooks }: { queueUrl: string; hooks?: readonly string[] | undefined },
): boolean {
  if (hooks !== undefined) return hooks.includes(name);
  const isQueue = target !== undefined && /^arn:[\w-]+:sqs:/.test(target);
  return !isQueue || target.split(":").at(-1) === queueUrl.split("/").at(-1);
}
