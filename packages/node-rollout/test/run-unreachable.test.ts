import { createServer } from "node:net";
import { startCli } from "@internal/test/cli";
import { makeFolder } from "@internal/test/folder";
import { expect, test } from "vitest";

/** A port of 127.0.0.1 on which nobody listens. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

test("an unreachable Kubernetes API is said once and tried again; SIGTERM ends with 0", async () => {
  const port = await freePort();
  using folder = makeFolder({
    "node-rollout.yaml": `queueUrl: http://127.0.0.1:${port}/1/q\ngroups: [workers]\n`,
    kubeconfig: `apiVersion: v1
kind: Config
clusters: [{ name: c, cluster: { server: "http://127.0.0.1:${port}" } }]
contexts: [{ name: c, context: { cluster: c, user: u } }]
users: [{ name: u, user: { token: t } }]
current-context: c
`,
  });
  const aws = { AWS_REGION: "eu-west-1", AWS_ACCESS_KEY_ID: "t", AWS_SECRET_ACCESS_KEY: "t" };
  const run = startCli("node-rollout", ["run", "--config", "node-rollout.yaml", "--listen", ":0"], {
    cwd: folder.path,
    env: { ...aws, KUBECONFIG: `${folder.path}/kubeconfig` },
  });
  await run.printed(/follow nodes: connection refused|follow nodes: .*ECONNREFUSED/);
  const [, url] = await run.printed(/"url":"http:\/\/[^"]*:(\d+)"/);
  const ready = await fetch(`http://127.0.0.1:${url}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.text()).toMatch(/nodes are not known yet/);
  run.kill("SIGTERM");
  const { code, stderr } = await run.ended;
  expect(code).toBe(0);
  expect(stderr.match(/follow nodes/g)).toHaveLength(2); // the message and its field
});
