import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ComponentName, component } from "../components.ts";
import { createClient } from "./client.ts";
import {
  apiserverFlags,
  controllerManagerFlags,
  etcdFlags,
  kwokFlags,
  schedulerFlags,
} from "./flags.ts";
import { kwokStages } from "./kwok-stages.ts";
import { makeProgram, type Program } from "./program.ts";
import type { Site } from "./site.ts";

export interface ControlPlaneOptions {
  /** Also runs kube-scheduler, which binds every pod that has no node. @default false */
  scheduler?: boolean;
  /**
   * Also runs kwok, for many nodes and pods: it keeps nodes with the annotation `kwok.x-k8s.io/node: fake`
   * Ready, makes the pods on them Ready and ends them when they are deleted. @default false
   */
  kwok?: boolean;
  /** More flags for kube-apiserver, for example `--watch-cache=false`. */
  apiserverFlags?: readonly string[];
  /** More flags for kube-controller-manager. */
  controllerManagerFlags?: readonly string[];
}

/** The processes of a cluster. */
export interface ControlPlane {
  etcd: Program;
  apiserver: Program;
  controllerManager: Program;
  /** Only with the option of that name. */
  scheduler?: Program;
  /** Only with the option of that name. */
  kwok?: Program;
}

/** Starts what a cluster consists of, each when what it needs serves. `changed` hears of every start and end. */
export async function startControlPlane(
  site: Site,
  options: ControlPlaneOptions,
  changed: (programs: Program[]) => void,
): Promise<ControlPlane> {
  const programs: Program[] = [];
  const start = async (
    name: ComponentName,
    args: string[],
    ready: () => Promise<unknown> = async () => {},
  ): Promise<Program> => {
    const program = makeProgram({
      name,
      path: await component(name),
      args,
      logFile: join(site.folder, `${name}.log`),
      ready,
      changed: () => changed(programs),
    });
    programs.push(program);
    await program.start();
    return program;
  };
  const get = (path: string) => async () => {
    const client = createClient(site.credentials());
    await client.request("GET", path).finally(client.close);
  };

  const etcd = await start("etcd", etcdFlags(site), async () => {
    const { ok } = await fetch(`${site.etcdUrl}/health`);
    if (!ok) throw new Error("etcd is not healthy");
  });
  const apiserver = await start(
    "kube-apiserver",
    [...apiserverFlags(site), ...(options.apiserverFlags ?? [])],
    get("/readyz"),
  );
  const controllerManager = await start(
    "kube-controller-manager",
    [...controllerManagerFlags(site), ...(options.controllerManagerFlags ?? [])],
    // It has no port to ask at; that it works shows in the account that it makes.
    get("/api/v1/namespaces/default/serviceaccounts/default"),
  );
  const scheduler = options.scheduler
    ? await start("kube-scheduler", schedulerFlags(site))
    : undefined;
  let kwok: Program | undefined;
  if (options.kwok) {
    const stages = join(site.folder, "kwok.yaml");
    writeFileSync(stages, kwokStages);
    kwok = await start("kwok", kwokFlags(site, stages));
  }
  return {
    etcd,
    apiserver,
    controllerManager,
    ...(scheduler === undefined ? {} : { scheduler }),
    ...(kwok === undefined ? {} : { kwok }),
  };
}
