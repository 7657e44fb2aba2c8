import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { isApiError, type Kubernetes, segment } from "../kubernetes/kubernetes.ts";
import type { Metadata } from "../kubernetes/objects.ts";
import { obstacles, reasonsOf, type Wait } from "../wait.ts";

/** Kubernetes Events about a node's drain, for `kubectl describe node` and `kubectl get events`. */
export interface NodeEvents {
  record(type: "Normal" | "Warning", reason: string, message: string): void;
  /** Tells what the drain waits for, once that has lasted, and again when it changes or still lasts much later. */
  blocked(waits: readonly Wait[], now: number): void;
}

const component = "node-rollout";
/** A budget without room is an everyday matter for this long. */
const lastingMs = 30_000;
const repeatMs = 300_000;
/** What the API server takes, in characters. */
const longestMessage = 1024;
/** Where Events about objects without a namespace belong. */
const eventsPath = `/api/v1/namespaces/${segment("default")}/events`;

interface RecordedEvent {
  type: "Normal" | "Warning";
  reason: string;
  message: string;
}

/** Events are a courtesy: one that cannot be recorded is left out, and nobody waits for it. */
export function createNodeEvents(
  kubernetes: Kubernetes,
  node: Pick<Metadata, "name" | "uid">,
): NodeEvents {
  let refused = false;
  let told = { what: "", at: 0 };
  let last: { event: RecordedEvent; name: string; count: number } | undefined;
  let writing = Promise.resolve();

  /** What is said again is counted, as Kubernetes' own components do. */
  async function write(event: RecordedEvent): Promise<void> {
    if (refused) return;
    if (last !== undefined && isDeepStrictEqual(last.event, event)) {
      const body = { count: last.count + 1, lastTimestamp: timestamp() };
      const path = `${eventsPath}/${segment(last.name)}`;
      const isCounted = await kubernetes.request({ method: "PATCH", path, body }).then(
        () => true,
        () => false, // it has expired, say
      );
      if (isCounted) {
        last.count += 1;
        return;
      }
    }
    const name = `${node.name}.${randomUUID().slice(0, 13)}`;
    const body = eventBody(node, name, event);
    await kubernetes.request({ method: "POST", path: eventsPath, body });
    last = { event, name, count: 1 };
  }

  function record(type: RecordedEvent["type"], reason: string, message: string): void {
    const event = { type, reason, message: shortened(message) };
    writing = writing
      .then(() => write(event))
      .catch((error: unknown) => {
        refused = isApiError(error, 401, 403);
      });
  }

  return {
    record,
    blocked(waits, now) {
      const lasting = obstacles(waits).filter(({ since }) => now - since.getTime() >= lastingMs);
      if (lasting.length === 0) return;
      const what = [...new Set(lasting.map(({ object }) => object))].toSorted().join(", ");
      const quietMs = told.what === what ? repeatMs : lastingMs;
      if (now - told.at < quietMs) return;
      told = { what, at: now };
      record("Warning", "DrainBlocked", reasonsOf(lasting).join("; "));
    },
  };
}

function eventBody(
  node: Pick<Metadata, "name" | "uid">,
  name: string,
  event: RecordedEvent,
): object {
  const now = timestamp();
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name, namespace: "default" },
    involvedObject: { apiVersion: "v1", kind: "Node", name: node.name, uid: node.uid },
    ...event,
    source: { component },
    reportingComponent: component,
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
  };
}

/** Now, to the second, as these fields have it. */
function timestamp(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, "Z");
}

function shortened(message: string): string {
  return message.length <= longestMessage ? message : `${message.slice(0, longestMessage - 1)}…`;
}
