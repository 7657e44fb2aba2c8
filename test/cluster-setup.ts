import type { TestProject } from "vitest/node";
import { startCluster } from "./cluster.ts";
import { available, type ComponentName } from "./components.ts";
import { startRunFolder } from "./run-folder.ts";

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

/** Before the cluster suite: a folder for its files, its components, and the cluster that its files share. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = startRunFolder();
  if (!(await available(...needed))) {
    project.provide("cluster", undefined);
    return folder.close;
  }
  const cluster = await startCluster();
  project.provide("cluster", cluster.connection);
  return async () => {
    await cluster[Symbol.asyncDispose]();
    await folder.close();
  };
}
