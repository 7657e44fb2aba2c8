import { randomUUID } from "node:crypto";
import { isApiError, type Kubernetes, segment } from "../kubernetes/kubernetes.ts";
import type { Metadata } from "../kubernetes/objects.ts";
import { obstacles, reasonsOf, type Wait } from "../wait.ts";

/** Kubernetes Events about a node's drain, for `kubectl describe node` and `kubectl get events`. */
export interface NodeEvents {
  record(type: "Normal" | "Warning", reason: string, message: string): void;
  /** Tells what the drain waits for, once that has lasted, and again when it changes or still lasts much later. */
  blocked(waits: readonly Wait[], now: number): void;
}

/** A budget without room is an everyday matter for this long. */
const lastingMs = 30_000;
const repeatMs = 300_000;
/** What the API server takes, in characters. */
const longestMessage = 1024;
/** Where Events about objects without a namespace belong. */
const eventsPath = `/api/v1/namespaces/${segment("default")}/events`;

/** Events are a courtesy: one that cannot be recorded is left out, and nobody waits for it. */
export function createNodeEvents(
  kubernetes: Kubernetes,
  node: Pick<Metadata, "name" | "uid">,
): NodeEvents {
  let refused = false;
  let told = { what: "", at: 0 };

  function record(type: "Normal" | "Warning", reason: string, message: string): void {
    if (refused) return;
    const body = eventBody(node, { type, reason, message: shortened(message) });
    kubernetes.request({ method: "POST", path: eventsPath, body }).catch((error: unknown) => {
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
  { name, uid }: Pick<Metadata, "name" | "uid">,
  event: { type: string; reason: string; message: string },
): object {
  const now = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: `${name}.${randomUUID().slice(0, 13)}`, namespace: "default" },
    involvedObject: { apiVersion: "v1", kind: "Node", name, uid },
    ...event,
    source: { component: "node-rollout" },
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
  };
}

function shortened(message: string): string {
  return message.length <= longestMessage ? message : `${message.slice(0, longestMessage - 1)}…`;
}
