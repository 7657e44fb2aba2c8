import type { TestProject } from "vitest/node";
import { startCluster } from "./cluster.ts";
import { available, type ComponentName } from "./components.ts";

/** All that the suite's files ask for, so that none of them has to wait for a build within a test. */
const needed: ComponentName[] = [
  "etcd",
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "kwok",
  "gator",
  "opa",
  "opa-row-schema",
];

/** Before the cluster suite: gets its components and starts the cluster that its files share. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (!(await available(...needed))) {
    project.provide("cluster", undefined);
    return async () => {};
  }
  const cluster = await startCluster();
  project.provide("cluster", cluster.connection);
  return async () => await cluster[Symbol.asyncDispose]();
}
