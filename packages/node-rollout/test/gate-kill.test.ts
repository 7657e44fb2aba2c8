import { startFaultProxy } from "@internal/test/fault-proxy";
import { expect, test } from "vitest";
import { type GateWorld, startGateWorld, stop } from "./gate-world.ts";

/** When the n-th request about a node dies. */
interface Death {
  request: number;
  when: "before" | "after";
}

/** A daemon that is killed and started again, its requests to Kubernetes through a proxy. */
async function startMortal(gate: GateWorld) {
  const { kubernetes, aws } = gate.world;
  const proxy = await startFaultProxy(kubernetes.url, { upstreamCa: kubernetes.ca });
  const env = { KUBECONFIG: kubernetes.kubeconfigFile({ server: proxy.url, ca: proxy.ca! }) };
  let run = gate.run(env);
  const notified = aws.around;

  /**
   * Lets one node through the gate while the daemon dies once: before the n-th request that changes something
   * arrives, or after it was applied. Another daemon goes on.
   *
   * @returns the requests that changed something, over both lives
   */
  async function pass(name: string, death?: Death): Promise<string[]> {
    const seen: string[] = [];
    const died = Promise.withResolvers<void>();
    let isDead = false;
    /** Kills the daemon if this is the moment; true when it was. */
    const meet = async (when: Death["when"], what: string): Promise<boolean> => {
      if (when === "before") seen.push(what);
      if (isDead || seen.length !== death?.request || when !== death.when) return false;
      isDead = true;
      run.kill("SIGKILL");
      await run.ended;
      died.resolve();
      return true;
    };
    const isChange = (method: string, path: string) =>
      method === "PATCH" && path.endsWith(`/${name}`);
    proxy.beforeForward = async ({ method, path }) =>
      isChange(method, path) && (await meet("before", method)) ? { kind: "cut-before" } : undefined;
    proxy.afterApplied = async ({ method, path }) => {
      if (isChange(method, path)) await meet("after", method);
      return undefined;
    };
    let cut = false;
    aws.faults = ({ action }) => (cut && action === "SignalResource" ? "cut-before" : undefined);
    aws.around = async (when, action) => {
      await notified?.(when, action);
      if (action === "SignalResource") cut = (await meet(when, action)) && when === "before";
    };
    gate.join(name);
    if (death !== undefined) {
      await died.promise;
      run = gate.run(env);
    }
    await gate.until(() => !gate.isTainted(name) && gate.record(name)?.told !== undefined);
    return seen;
  }

  return {
    pass,
    async [Symbol.asyncDispose]() {
      await stop(run);
      await proxy.close();
    },
  };
}

test("killed at any request, the next process ends with one signal and no taint", async () => {
  await using gate = await startGateWorld("deadlineSeconds: 600");
  await using mortal = await startMortal(gate);
  const whole = await mortal.pass("n0");
  expect(whole).toEqual(["PATCH", "PATCH", "SignalResource", "PATCH", "PATCH"]);
  const deaths = whole.flatMap((_, index) =>
    (["before", "after"] as const).map((when) => ({ request: index + 1, when })),
  );
  for (const [index, death] of deaths.entries()) {
    const seen = await mortal.pass(`n${index + 1}`, death);
    expect(seen.length, JSON.stringify(death)).toBeGreaterThanOrEqual(whole.length);
  }
  // The fake counts an instance's signal once, as CloudFormation does.
  const told = gate.world.aws.stacks.signals.map(({ uniqueId, status }) => `${uniqueId} ${status}`);
  const names = ["n0", ...deaths.map((_, index) => `n${index + 1}`)];
  expect(told.sort()).toEqual(names.map((name) => `i-${name} SUCCESS`).sort());
  // Only where the answer was lost with the process is it sent again.
  expect(gate.world.aws.count("SignalResource")).toBe(names.length + 2);
  console.log(`killed ${deaths.length} times, at ${whole.length} requests`);
}, 180_000);
