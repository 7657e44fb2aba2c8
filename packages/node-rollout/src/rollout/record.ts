import type { LifecycleAction } from "../aws/lifecycle-hooks.ts";
import type { Wait } from "../wait.ts";

/** A lifecycle action, and when it began, in milliseconds: its global limit counts from there. */
export interface HeldAction extends LifecycleAction {
  since: number;
}

/** What a node's annotation says about the end of its instance, so that any process can go on with it. */
export interface RolloutRecord {
  instanceId: string;
  /** When the end of the instance began, in milliseconds. */
  startedAt: number;
  /** The process that drains the node; none after it handed over. */
  holder?: string;
  /** When the holder last wrote, in milliseconds of its clock; only a change of it means something to others. */
  renewedAt: number;
  actions: HeldAction[];
  /** What the holder did and waited for when it last wrote: for people. */
  phase?: string;
  waits?: Wait[];
}

/** As many reasons as a person reads; an annotation is no place for a thousand. */
const waitsWritten = 5;

/** The annotation's text. */
export function recordText(record: RolloutRecord): string {
  const { instanceId, startedAt, holder, renewedAt, actions, phase, waits = [] } = record;
  return JSON.stringify({
    instanceId,
    ...(phase === undefined ? {} : { phase }),
    startedAt: new Date(startedAt),
    ...(holder === undefined ? {} : { holder }),
    renewedAt: new Date(renewedAt),
    actions: actions.map(({ since, asg, hook, token }) => ({
      ...{ asg, hook, ...(token === undefined ? {} : { token }), since: new Date(since) },
    })),
    waits: waits.slice(0, waitsWritten),
  });
}

/**
 * Reads the annotation. Nodes can be written by many, so nothing in it is believed unseen.
 *
 * @param instanceId the node's instance; a record of another one says nothing about this one
 * @returns undefined when there is none, or it is not one of ours
 */
export function parseRecord(
  text: string | undefined,
  instanceId: string,
): RolloutRecord | undefined {
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text) as Partial<Record<keyof RolloutRecord, unknown>>;
    const startedAt = instant(value.startedAt);
    if (value.instanceId !== instanceId || startedAt === undefined) return undefined;
    const { holder, phase, actions, waits } = value;
    return {
      instanceId,
      startedAt,
      ...(isText(holder) ? { holder } : {}),
      renewedAt: instant(value.renewedAt) ?? startedAt,
      actions: list(actions).flatMap((action) => parseAction(action, instanceId, startedAt)),
      ...(isText(phase) ? { phase } : {}),
      waits: list(waits).flatMap(parseWait),
    };
  } catch {
    return undefined; // no JSON, or null
  }
}

function parseAction(value: unknown, instanceId: string, startedAt: number): HeldAction[] {
  const { asg, hook, token, since } = (value ?? {}) as Record<string, unknown>;
  if (!isText(asg) || !isText(hook)) return [];
  const more = isText(token) ? { token } : {};
  return [{ asg, hook, instanceId, ...more, since: instant(since) ?? startedAt }];
}

function parseWait(value: unknown): Wait[] {
  const { code, object, message, since } = (value ?? {}) as Record<string, unknown>;
  const at = instant(since);
  if (!isText(code) || !isText(object) || typeof message !== "string" || at === undefined)
    return [];
  return [{ code, object, message, since: new Date(at) }];
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function instant(value: unknown): number | undefined {
  const at = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}
