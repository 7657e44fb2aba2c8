import { execFile } from "node:child_process";
import { once } from "node:events";
import { chmodSync } from "node:fs";
import { createServer } from "node:net";
import { runCli } from "@internal/test/cli";
import { makeFolder } from "@internal/test/folder";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";

interface Rendered {
  kind: string;
  data: Record<string, string>;
  spec: { template: { spec: { tolerations: object[]; containers: { args: string[] }[] } } };
}

async function render(): Promise<Rendered[]> {
  const args = ["render", "npd", "--image", "registry.example/npd:1"];
  const { code, stdout, stderr } = await runCli("node-rollout", args);
  expect([code, stderr]).toEqual([0, ""]);
  return parseAllDocuments(stdout).map((document) => document.toJS());
}

/** Runs a check as node-problem-detector does: 0 is False, 1 True, anything else Unknown. */
function check(
  script: string,
  env: Record<string, string>,
): Promise<{ code: number; text: string }> {
  const { PATH = "" } = process.env;
  return new Promise((resolve) => {
    const child = execFile("bash", ["-c", script], { env: { PATH, ...env } }, (_error, text) =>
      resolve({ code: child.exitCode ?? -1, text: text.trim() }),
    );
  });
}

test("each condition has a file of its own, positive, and is not published before it was checked", async () => {
  const [, , map, daemonSet] = await render();
  const configs = Object.entries(map!.data).filter(([name]) => name.endsWith(".json"));
  expect(configs).toHaveLength(2);
  for (const [name, text] of configs) {
    const { plugin, pluginConfig, conditions, rules } = JSON.parse(text);
    expect(plugin).toBe("custom");
    expect(pluginConfig.skip_initial_status).toBe(true);
    expect(conditions).toHaveLength(1);
    const [{ type }] = conditions;
    expect(type).toMatch(/Ready$/);
    expect(rules).toMatchObject([{ type: "permanent", condition: type, reason: type }]);
    expect(map!.data).toHaveProperty([rules[0].path.replace("/checks/", "")]);
    const { containers, tolerations } = daemonSet!.spec.template.spec;
    expect(containers[0]?.args.at(-1)).toContain(`/checks/${name}`);
    // It has to be on a node that is behind the startup taint.
    expect(tolerations).toEqual([{ operator: "Exists" }]);
  }
});

test("the network check is True, which is exit code 1, only when the Service's address answers", async () => {
  const [, , map] = await render();
  const script = map!.data["NetworkReady.sh"] ?? "";
  const server = createServer((socket) => socket.destroy());
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as { port: number };
  const service = { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: `${port}` };
  const good = "the API server is reached by its Service's address";
  expect(await check(script, service)).toEqual({ code: 1, text: good });
  server.close();
  await once(server, "close");
  const bad = "the API server is not reached by its Service's address";
  expect(await check(script, service)).toEqual({ code: 0, text: bad });
  expect(await check(script, {})).toEqual({ code: 0, text: bad });
});

test("the DNS check is True only when the cluster's names are known", async () => {
  const [, , map] = await render();
  const script = map!.data["DnsReady.sh"] ?? "";
  using folder = makeFolder({ getent: '#!/bin/sh\ntest "$*" = "hosts $KNOWN"\n' });
  chmodSync(`${folder.path}/getent`, 0o755);
  const PATH = `${folder.path}:${process.env["PATH"]}`;
  expect(await check(script, { PATH, KNOWN: "kubernetes.default.svc" })).toEqual({
    code: 1,
    text: "the cluster's DNS answers",
  });
  expect(await check(script, { PATH, KNOWN: "" })).toEqual({
    code: 0,
    text: "the cluster's DNS does not answer",
  });
});

test("an image is asked for, and the same is printed each time", async () => {
  const { code, stderr } = await runCli("node-rollout", ["render", "npd"]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/--image IMAGE/);
  expect(await render()).toEqual(await render());
});
