import { runCli } from "@internal/test/cli";
import { makeFolder } from "@internal/test/folder";
import { startFakeKubernetes } from "@internal/test/kubernetes/fake";
import { expect, test } from "vitest";
import { plainAccess } from "../src/kubernetes/plain-kubeconfig.ts";

const server = "https://10.0.0.1:6443";

/** A kubeconfig as YAML of its parts. */
function kubeconfig(cluster: object, user: object): string {
  return `apiVersion: v1
kind: Config
current-context: first
contexts:
  - {name: second, context: {cluster: c, user: other, namespace: shop}}
  - {name: first, context: {cluster: c, user: u}}
clusters: [{name: c, cluster: ${JSON.stringify({ server, ...cluster })}}]
users: [{name: u, user: ${JSON.stringify(user)}}, {name: other, user: {token: other}}]
`;
}

const data = (text: string) => Buffer.from(text).toString("base64");

test("a token, certificates in the file and beside it, another context", async () => {
  using folder = makeFolder({
    token: kubeconfig({ "certificate-authority-data": data("CA") }, { token: "secret" }),
    files: kubeconfig(
      { "certificate-authority": "pki/ca.crt", "tls-server-name": "kubernetes" },
      { "client-certificate": "pki/me.crt", "client-key-data": data("KEY") },
    ),
    insecure: kubeconfig({ "insecure-skip-tls-verify": true }, { token: "secret" }),
    "pki/ca.crt": "CA",
    "pki/me.crt": "CERTIFICATE",
  });
  const read = async (name: string, context?: string) => {
    const access = await plainAccess(`${folder.path}/${name}`, context);
    return access && { ...access, headers: await access.headers(false) };
  };
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const ca = Buffer.from("CA");
  expect(await read("token")).toEqual({ server, tls: { ca }, headers: bearer("secret") });
  expect(await read("token", "second")).toMatchObject({ headers: bearer("other") });
  expect(await read("files")).toEqual({
    server,
    tls: {
      ca,
      servername: "kubernetes",
      cert: Buffer.from("CERTIFICATE"),
      key: Buffer.from("KEY"),
    },
    headers: {},
  });
  expect(await read("insecure")).toMatchObject({ tls: { rejectUnauthorized: false } });
});

test.each<[string, string | undefined]>([
  ["a program that gives the token", kubeconfig({}, { exec: { command: "aws" } })],
  ["a proxy before the cluster", kubeconfig({ "proxy-url": "http://127.0.0.1:1" }, { token: "t" })],
  ["a file that is not there", kubeconfig({ "certificate-authority": "none" }, { token: "t" })],
  ["a context that is not there", "current-context: none\ncontexts: []\n"],
  ["no YAML", "{"],
  ["no file", undefined],
])("%s is left to the library", async (_, text) => {
  using folder = makeFolder(text === undefined ? {} : { kubeconfig: text });
  expect(await plainAccess(`${folder.path}/kubeconfig`)).toBeUndefined();
});

test("a kubeconfig whose token a program gives is used as kubectl uses it", async () => {
  await using kubernetes = await startFakeKubernetes({ workloads: false });
  const credential = {
    apiVersion: "client.authentication.k8s.io/v1",
    kind: "ExecCredential",
    status: { token: kubernetes.token },
  };
  using folder = makeFolder({
    kubeconfig: kubeconfig(
      {
        server: kubernetes.url,
        "certificate-authority-data": data(kubernetes.ca ?? ""),
      },
      {
        exec: {
          apiVersion: credential.apiVersion,
          command: process.execPath,
          args: ["-e", `console.log(${JSON.stringify(JSON.stringify(credential))})`],
          interactiveMode: "Never",
        },
      },
    ),
  });
  const env = { KUBECONFIG: `${folder.path}/kubeconfig` };
  const { code, stderr } = await runCli("node-rollout", ["status"], { env });
  expect(stderr).toBe("");
  expect(code).toBe(0);
  expect(kubernetes.problems).toEqual([]);
});
