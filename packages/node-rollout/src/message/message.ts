import { MessageError } from "./error.ts";
import {
  type Fields,
  fieldOf,
  instanceIdOf,
  isFields,
  isInstanceId,
  objectOf,
  optionalTextOf,
  textOf,
} from "./fields.ts";

/** What a queue message asks for. */
export type QueueMessage =
  | {
      kind: "lifecycle";
      transition: "terminating" | "launching";
      asg: string;
      hook: string;
      instanceId: string;
      token?: string;
      origin?: string;
      destination?: string;
    }
  | {
      kind: "interruption";
      reason: "spot" | "rebalance" | "state-change" | "scheduled-change";
      instanceIds: string[];
    }
  | { kind: "ignored"; reason: string };

/** SQS carries 1 MiB at most. */
const largest = 1024 * 1024;

/**
 * Reads the body of a queue message: a lifecycle hook's notification (sent directly, through SNS or by
 * EventBridge), an EC2 interruption, or something that is not for us.
 *
 * @param body the message's text as SQS gives it
 * @returns `ignored` with a reason for what is well-formed and not ours
 * @throws MessageError for what is malformed
 */
export function parseMessage(body: string): QueueMessage {
  return parseBody(body, 0);
}

function parseBody(body: string, wrappers: number): QueueMessage {
  const message = parseObject(body);
  if (isEvent(message)) return parseEvent(message);
  const event = fieldOf(message, "Event");
  if (typeof event === "string") return ignored(`notification ${quote(event)}`);
  if (hookFields.some((name) => fieldOf(message, name) !== undefined)) {
    return parseLifecycle(message);
  }
  if (fieldOf(message, "Message") !== undefined) return parseSns(message, wrappers);
  return ignored("no lifecycle action, no event, no notification");
}

/** Any of them makes a message a lifecycle hook's: one that lacks another is malformed, not somebody else's. */
const hookFields = ["LifecycleTransition", "LifecycleHookName", "LifecycleActionToken"];

/** AWS' own event is one also where its `detail-type` is missing. */
function isEvent(message: Fields): boolean {
  if (fieldOf(message, "detail-type") !== undefined) return true;
  const source = fieldOf(message, "source");
  return typeof source === "string" && source.startsWith("aws.") && isFields(message["detail"]);
}

function parseObject(body: string): Fields {
  if (typeof body !== "string") throw new MessageError("NOT_JSON", "the body is no text");
  if (body.length > largest) throw new MessageError("TOO_LARGE", "the body is longer than 1 MiB");
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (error) {
    // The parser's own message quotes the body, which may hold anything.
    throw new MessageError("NOT_JSON", "the body is no JSON", { cause: error });
  }
  if (!isFields(value)) throw new MessageError("NOT_OBJECT", "the body is no JSON object");
  return value;
}

/** SNS puts the message, as text, into its own envelope, unless raw delivery is on. */
function parseSns(envelope: Fields, wrappers: number): QueueMessage {
  const type = fieldOf(envelope, "Type") ?? "Notification";
  if (type !== "Notification") return ignored(`SNS ${quote(type)}`);
  if (wrappers > 0) throw new MessageError("TOO_DEEP", "a notification inside a notification");
  const text = fieldOf(envelope, "Message");
  if (typeof text !== "string") throw new MessageError("INVALID_FIELD", "Message is no text");
  return parseBody(text, wrappers + 1);
}

const transitions: Record<string, "terminating" | "launching"> = {
  "autoscaling:EC2_INSTANCE_TERMINATING": "terminating",
  "autoscaling:EC2_INSTANCE_LAUNCHING": "launching",
};

function parseLifecycle(fields: Fields): QueueMessage {
  const name = textOf(fields, "LifecycleTransition");
  const transition = Object.hasOwn(transitions, name) ? transitions[name] : undefined;
  if (transition === undefined) {
    if (name.startsWith("autoscaling:")) return ignored(`lifecycle transition ${quote(name)}`);
    throw new MessageError("INVALID_FIELD", "LifecycleTransition is no transition");
  }
  const token = optionalTextOf(fields, "LifecycleActionToken");
  const origin = optionalTextOf(fields, "Origin");
  const destination = optionalTextOf(fields, "Destination");
  return {
    kind: "lifecycle",
    transition,
    asg: textOf(fields, "AutoScalingGroupName"),
    hook: textOf(fields, "LifecycleHookName"),
    instanceId: instanceIdOf(fields, "EC2InstanceId"),
    ...(token === undefined ? {} : { token }),
    ...(origin === undefined ? {} : { origin }),
    ...(destination === undefined ? {} : { destination }),
  };
}

type EventParser = (detail: Fields) => QueueMessage;

/** EventBridge events by source and detail-type. Only AWS itself can send a source that begins with `aws.`. */
const events: Record<string, EventParser> = {
  "aws.autoscaling EC2 Instance-terminate Lifecycle Action": parseLifecycle,
  "aws.autoscaling EC2 Instance-launch Lifecycle Action": parseLifecycle,
  "aws.ec2 EC2 Spot Instance Interruption Warning": (detail) => interruption("spot", detail),
  "aws.ec2 EC2 Instance Rebalance Recommendation": (detail) => interruption("rebalance", detail),
  "aws.ec2 EC2 Instance State-change Notification": parseStateChange,
  "aws.health AWS Health Event": parseHealth,
};

function parseEvent(event: Fields): QueueMessage {
  const source = textOf(event, "source");
  const key = `${source} ${textOf(event, "detail-type")}`;
  const parse = Object.hasOwn(events, key) ? events[key] : undefined;
  if (parse !== undefined) return parse(objectOf(event, "detail"));
  // The detail-type has changed its words before; the transition has not.
  const detail = fieldOf(event, "detail");
  const isLifecycle = isFields(detail) && fieldOf(detail, "LifecycleTransition") !== undefined;
  if (source === "aws.autoscaling" && isLifecycle) return parseLifecycle(detail);
  return ignored(`event ${quote(key)}`);
}

function interruption(reason: "spot" | "rebalance" | "state-change", detail: Fields): QueueMessage {
  return { kind: "interruption", reason, instanceIds: [instanceIdOf(detail, "instance-id")] };
}

const endings = new Set(["stopping", "stopped", "shutting-down", "terminated"]);

function parseStateChange(detail: Fields): QueueMessage {
  const state = textOf(detail, "state");
  const change = interruption("state-change", detail);
  return endings.has(state) ? change : ignored(`instance state ${quote(state)}`);
}

function parseHealth(detail: Fields): QueueMessage {
  const service = textOf(detail, "service");
  const category = textOf(detail, "eventTypeCategory");
  if (service !== "EC2" || category !== "scheduledChange") {
    return ignored(`health event ${quote(`${service} ${category}`)}`);
  }
  if (optionalTextOf(detail, "statusCode") === "closed") return ignored("a closed health event");
  const entities = fieldOf(detail, "affectedEntities");
  if (entities === undefined)
    throw new MessageError("MISSING_FIELD", "affectedEntities is missing");
  if (!Array.isArray(entities) || !entities.every(isFields)) {
    throw new MessageError("INVALID_FIELD", "affectedEntities is no list of objects");
  }
  const ids = entities.map((entity) => textOf(entity, "entityValue")).filter(isInstanceId);
  if (ids.length === 0) return ignored("a health event without an instance");
  return { kind: "interruption", reason: "scheduled-change", instanceIds: [...new Set(ids)] };
}

function ignored(reason: string): QueueMessage {
  return { kind: "ignored", reason };
}

/** Shortened and without control characters: it came from outside and goes to a log. */
function quote(value: unknown): string {
  const text = typeof value === "string" ? value : typeof value;
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
}
