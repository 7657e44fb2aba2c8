import type { KubernetesObject } from "@internal/test/cluster";
import { defaultStartupTaint as startupTaint } from "../src/gate/readiness-config.ts";
import { type Cell, eventually, makeCell, type Site } from "./cell.ts";

interface Node extends KubernetesObject {
  metadata: KubernetesObject["metadata"] & { annotations?: Record<string, string> };
  spec: { taints?: { key: string }[] };
}

/**
 * A new instance whose node is behind the startup taint, and has somebody else's taint, of a group whose stack waits
 * for it. The rule asks for the condition NetworkReady.
 *
 * @param readiness the rest of the `readiness` block
 */
export async function makeGatedCell(site: Site, name: string, readiness: string): Promise<Cell> {
  const cell = await makeCell(site, name, {
    ...{ pods: 0, taints: [startupTaint, "example.org/0"] },
    config: `readiness: {conditions: [{type: NetworkReady, status: 'True'}], ${readiness}}`,
  });
  const stack = { name, status: "UPDATE_IN_PROGRESS", resources: ["Workers"] };
  cell.aws.addStack({ ...stack, updatedAt: Date.now() - 60_000 });
  Object.assign(cell.aws.lifecycle.groups.get(cell.group)!.tags, {
    "aws:cloudformation:stack-name": name,
    "aws:cloudformation:logical-id": "Workers",
  });
  return cell;
}

/** Reports the condition as node-problem-detector would, and the boot as the kubelet would. */
export async function reportCondition(
  { cluster }: Site,
  { node }: Cell,
  status: "True" | "False",
  bootID = "boot-1",
): Promise<void> {
  const now = new Date().toISOString();
  const times = { lastHeartbeatTime: now, lastTransitionTime: now };
  const condition = { type: "NetworkReady", status, reason: "Checked", message: "", ...times };
  await cluster.request(
    "PATCH",
    `/api/v1/nodes/${node}/status`,
    { status: { conditions: [condition], nodeInfo: { bootID } } },
    { contentType: "application/strategic-merge-patch+json" },
  );
}

/** Resolves when the node takes pods and everybody has been told. */
export async function isThrough(cell: Cell): Promise<void> {
  const isDone = async () => {
    const { metadata } = (await cell.nodeObject()) as Node;
    const record = metadata.annotations?.["node-rollout/gate"] ?? "";
    return !(await keysOf(cell)).includes(startupTaint) && record.includes('"told"');
  };
  await eventually(isDone, true);
}

/** The node's taints, by their keys. */
export async function keysOf(cell: Cell): Promise<string[]> {
  return (((await cell.nodeObject()) as Node).spec.taints ?? []).map(({ key }) => key);
}

/** What becomes of the startup taint from now on, by every event of the API server. */
export async function watchTaint({ cluster }: Site, cell: Cell) {
  const stopping = new AbortController();
  const { metadata } = await cell.nodeObject();
  const version = metadata["resourceVersion"] as string;
  const query = `fieldSelector=metadata.name%3D${cell.node}&watch=1&resourceVersion=${version}`;
  const seen = ["tainted"];
  const watch = async () => {
    const events = cluster.watch<Node>(`/api/v1/nodes?${query}`, stopping.signal);
    for await (const { object } of events) {
      const isTainted = object.spec.taints?.some(({ key }) => key === startupTaint);
      const now = isTainted ? "tainted" : "untainted";
      if (seen.at(-1) !== now) seen.push(now);
    }
  };
  const watching = watch().catch((error: unknown) => {
    if (!stopping.signal.aborted) throw error;
  });
  return {
    changes: () => seen,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await watching;
    },
  };
}
