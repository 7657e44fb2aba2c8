/** Audits 1000 workloads with 500 budgets and 10 000 pods: as a library call, and as the command on manifests. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { makeFolder } from "@internal/test/folder";
import { auditBudgets } from "../packages/node-rollout/src/audit/audit.ts";
import { median, printClaims } from "./report.ts";

const bin = fileURLToPath(new URL("../packages/node-rollout/src/cli.ts", import.meta.url));
const labelsOf = (index: number) => ({ app: `app-${index}` });
const workloads = Array.from({ length: 1000 }, (_, index) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: `app-${index}`, namespace: "shop" },
  spec: {
    replicas: 10,
    selector: { matchLabels: labelsOf(index) },
    template: { metadata: { labels: labelsOf(index) } },
  },
}));
// One in five selects by an expression alone, which no index helps to find.
const budgets = Array.from({ length: 500 }, (_, index) => ({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name: `app-${index}`, namespace: "shop" },
  spec: {
    maxUnavailable: "10%",
    selector:
      index % 5 === 0
        ? { matchExpressions: [{ key: "app", operator: "In", values: [`app-${index}`] }] }
        : { matchLabels: labelsOf(index) },
  },
}));
const pods = Array.from({ length: 10_000 }, (_, index) => ({
  metadata: { name: `pod-${index}`, namespace: "shop", labels: labelsOf(index % 1000) },
  spec: { nodeName: `node-${index % 97}` },
  status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] },
}));

function seconds(run: () => void): number {
  const samples = Array.from({ length: 5 }, () => {
    const start = performance.now();
    run();
    return (performance.now() - start) / 1000;
  });
  return median(samples);
}

const library = seconds(() => {
  const { findings } = auditBudgets(workloads, budgets, pods);
  if (!findings.some(({ code }) => code === "no-budget")) throw new Error("found nothing");
});
using folder = makeFolder({
  "all.json": JSON.stringify({ apiVersion: "v1", kind: "List", items: [...workloads, ...budgets] }),
});
const cli = seconds(() => {
  const { status } = spawnSync(process.execPath, [bin, "audit", folder.path]);
  if (status !== 1) throw new Error(`audit exited ${status}`);
});
printClaims("node-rollout audit, 1000 workloads × 500 budgets", [
  {
    claim: "library, with 10 000 pods",
    ours: `${library.toFixed(2)} s`,
    budget: "≤ 1 s",
    gated: false,
    met: library <= 1,
  },
  {
    claim: "command, on manifests",
    ours: `${cli.toFixed(2)} s`,
    budget: "≤ 1 s",
    gated: false,
    met: cli <= 1,
  },
]);
