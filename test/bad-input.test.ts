import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { startFakePagerDuty } from "../packages/pagerduty-tester/src/fake.ts";
import { runCli, startCli } from "./cli.ts";
import { available, component } from "./components.ts";
import { makeFolder } from "./folder.ts";
import { startFakeKubernetes } from "./kubernetes/fake.ts";

/** The five answer bad input alike: one sentence on stderr that names what is wrong and where, exit code 2. */

const secret = "u+SecretOfTheAccount";
/** Port 1 is reserved and nobody's. */
const nobody = "127.0.0.1:1";
const kubernetes = await startFakeKubernetes();
const pagerDuty = await startFakePagerDuty({ token: "u+AnotherAccount" });
const folder = makeFolder({
  "broken.yaml": "a: [\n",
  "broken.rego": "package a\n\nfoo if {\n",
  "people.yaml": '- name: Ada\n  id: PADA001\n  cron: "0 9 * * * UTC"\n',
  "bad-people.yaml": "users:\n  - name: Ada\n    id: PADA001\n    cron: 0 9\n",
  "bad-id.yaml": '- name: Ada\n  id: P-1\n  cron: "0 9 * * * UTC"\n',
  "bad-minutes.yaml":
    'verifyMinutes: 1e9\nusers:\n  - { name: Ada, id: PADA001, cron: "0 9 * * * UTC" }\n',
  "rollout.yaml": "queueUrl: http://127.0.0.1:1/q\ngroups: [workers]\n",
  "bad-rollout.yaml": "queueUrl: http://127.0.0.1:1/q\ngroups: workers\n",
  down: kubeconfig(`https://${nobody}`, secret),
  stranger: readFileSync(kubernetes.kubeconfigFile(), "utf8").replace(kubernetes.token, secret),
  "account/token": secret,
  "account/namespace": "default",
  "account/ca.crt": kubernetes.ca ?? "",
});
afterAll(async () => {
  folder[Symbol.dispose]();
  await Promise.all([kubernetes.close(), pagerDuty.close()]);
});

const account = {
  PAGERDUTY_API_URL: `http://${nobody}`,
  PAGERDUTY_TOKEN: secret,
  SERVICE_ID: "PTEST",
  FROM_EMAIL: "tester@example.com",
  SUBDOMAIN: "acme",
};
const aws = { AWS_REGION: "eu-west-1", AWS_ACCESS_KEY_ID: "t", AWS_SECRET_ACCESS_KEY: "t" };
const pod = {
  KUBERNETES_SERVICE_HOST: "127.0.0.1",
  KUBE_LEADER_SERVICE_ACCOUNT_DIR: "account",
  POD_NAME: "a-0",
  POD_NAMESPACE: "default",
  POD_UID: "db544d1d-6838-453b-8e86-2a8ac3896bca",
};

type Case = [commandLine: string, sentence: RegExp, env?: Record<string, string>];

const cases: Record<string, Case[]> = {
  "a file that is not there": [
    ["istio-port-policy check none.yaml", /^none\.yaml: no such file/],
    ["istio-port-policy fix none.yaml", /^none\.yaml: no such file/],
    ["rego-coverage none", /^none: no such file or folder; give the folder of the policies/],
    ["pagerduty-tester run --config none.yaml", /^none\.yaml: no such file; give its path/],
    ["node-rollout run --config none.yaml", /^none\.yaml: no such file; give its path/],
    ["node-rollout audit none.yaml", /^none\.yaml: no such file/],
    ["node-rollout replay none.json", /^none\.json: no such file/],
  ],
  "a file that is broken": [
    ["istio-port-policy check broken.yaml", /^broken\.yaml:\d+: no valid YAML/],
    ["pagerduty-tester next --config broken.yaml", /^broken\.yaml:\d+:\d+: no valid YAML/],
    ["node-rollout run --config broken.yaml", /^broken\.yaml:\d+:\d+: no valid YAML/],
    ["node-rollout audit broken.yaml", /^broken\.yaml:\d+: no valid YAML/],
    ["node-rollout audit", /^no usable kubeconfig: broken\.yaml: /, { KUBECONFIG: "broken.yaml" }],
  ],
  "a configuration that does not fit": [
    ["istio-port-policy check --rule strict .", /^--rule strict: expected istio or name/],
    ["rego-coverage --threshold most .", /^--threshold most: expected a percentage from 0 to 100/],
    ["kube-leader --name a --timeout 1e3 -- true", /^--timeout 1e3: expected a number above 0/],
    ["kube-leader --name a --health-port 0x50 -- true", /^--health-port 0x50: expected a whole/],
    ["pagerduty-tester fake --port=", /^--port : expected a whole number from 0 to 65535/],
    ["node-rollout drain a --timeout 1e3", /^--timeout 1e3: expected seconds from 0/],
    ["node-rollout drain a --qps 0", /^--qps 0: expected requests a second above 0/],
    ["kube-leader --name a --timeout long -- true", /^--timeout long: expected a number above 0/],
    [
      "kube-leader --name a -- true",
      /^KUBERNETES_SERVICE_HOST is set, but there is no .*token/,
      {
        KUBERNETES_SERVICE_HOST: "127.0.0.1",
        KUBE_LEADER_SERVICE_ACCOUNT_DIR: "none",
      },
    ],
    [
      "pagerduty-tester next --config bad-id.yaml",
      /^bad-id\.yaml:2:3: 0\.id: expected PagerDuty's/,
    ],
    ["pagerduty-tester run --config bad-people.yaml", /^bad-people\.yaml:4:5: users\.0\.cron: /],
    [
      "pagerduty-tester next --config bad-minutes.yaml",
      /^bad-minutes\.yaml:1:1: verifyMinutes: expected minutes, a day \(1440\) at most/,
    ],
    ["node-rollout run --config bad-rollout.yaml", /^bad-rollout\.yaml:2:1: groups: /],
  ],
  "a configuration that is missing": [
    ["istio-port-policy check", /^nothing to check; give a PATH/],
    ["kube-leader", /^the lock has no name/],
    ["pagerduty-tester run", /^--config FILE is missing/],
    ["pagerduty-tester check --config people.yaml", /^PAGERDUTY_TOKEN is not set/],
    ["node-rollout run", /^--config FILE is missing/],
    [
      "node-rollout status",
      /^there is no kubeconfig at \.kube\/config; create it, or name one by KUBECONFIG/,
      { HOME: "." },
    ],
  ],
  "options that would be passed over": [
    ["node-rollout audit --fix --format json people.yaml", /^--fix prints budgets and no report/],
    ["node-rollout audit --context a people.yaml", /^--context is for the live cluster/],
    ["istio-port-policy check --context a people.yaml", /^--context is for the live cluster/],
    ["istio-port-policy explain --context a people.yaml", /^--context is for the live cluster/],
    ["istio-port-policy check --protocols http people.yaml", /^--protocols is for the naming/],
    ["istio-port-policy render vap --protocols http", /^--protocols is for the naming/],
    [
      "istio-port-policy check --rule name --istio-version 1.18 people.yaml",
      /^--istio-version changes nothing about --rule name/,
    ],
  ],
  "a context that is not in the kubeconfig": [
    [
      "istio-port-policy check --cluster --context prod",
      /^--context prod: no such context; the kubeconfig has /,
      { KUBECONFIG: "down" },
    ],
    [
      "node-rollout audit --context prod",
      /^--context prod: no such context; the kubeconfig has /,
      { KUBECONFIG: "down" },
    ],
  ],
  "no OPA where one was named": [
    ["rego-coverage --opa nowhere .", /^nowhere: no such command; --opa takes the command line/],
  ],
  "an API that does not answer, asked once": [
    ["istio-port-policy check --cluster", /127\.0\.0\.1:1/, { KUBECONFIG: "down" }],
    ["node-rollout audit", /127\.0\.0\.1:1: connection refused/, { KUBECONFIG: "down" }],
    ["node-rollout drain node-1", /127\.0\.0\.1:1: connection refused/, { KUBECONFIG: "down" }],
    ["pagerduty-tester check --config people.yaml", /127\.0\.0\.1:1: connection refused/, account],
  ],
  "a token that is nobody's": [
    ["istio-port-policy check --cluster", /not authenticated \(401\)/, { KUBECONFIG: "stranger" }],
    [
      "node-rollout audit",
      /does not accept the token or certificate \(401\)/,
      { KUBECONFIG: "stranger" },
    ],
    [
      "pagerduty-tester check --config people.yaml",
      /401/,
      {
        ...account,
        PAGERDUTY_API_URL: pagerDuty.url,
      },
    ],
    ["node-rollout drain node-1", /\(401\)/, { KUBECONFIG: "stranger" }],
  ],
};

describe.each(Object.entries(cases))("%s", (_, list) => {
  test.concurrent.each(list)("%s", async (commandLine, sentence, env = {}) => {
    const [bin = "", ...args] = commandLine.split(" ");
    const { code, stderr } = await runCli(bin, args, { cwd: folder.path, env });
    // Beside the sentence only a hint at the help, or the result of what could be read.
    const sentences = stderr.split("\n").filter((line) => line.startsWith(`${bin}: `));
    expect(sentences).toHaveLength(1);
    expect(sentences[0]?.slice(`${bin}: `.length)).toMatch(sentence);
    expect(stderr).not.toContain(secret);
    expect(code).toBe(2);
  });
});

test.runIf(await available("opa"))("OPA's own words are the sentence for broken Rego", async () => {
  const env = { OPA: await component("opa") };
  const { code, stderr } = await runCli("rego-coverage", ["broken.rego"], {
    cwd: folder.path,
    env,
  });
  expect(stderr).toMatch(
    /^rego-coverage: .*broken\.rego:4: rego_parse_error: unexpected eof token/,
  );
  expect(code).toBe(2);
});

/** Those who wait for an API say so once a subject, go on for as long as nobody answers, and end when asked to. */
const waiting: [
  commandLine: string,
  sentence: RegExp,
  code: number,
  env: (port: number) => Record<string, string>,
][] = [
  [
    "kube-leader --name a -- true",
    /cannot reach the API server at 127\.0\.0\.1:.* trying again/,
    143,
    (port) => ({ ...pod, KUBERNETES_SERVICE_PORT: `${port}` }),
  ],
  [
    "pagerduty-tester run --config people.yaml",
    /trying again until it works/,
    0,
    (port) => ({ ...account, PAGERDUTY_API_URL: `http://127.0.0.1:${port}` }),
  ],
  [
    "node-rollout run --config rollout.yaml --listen 127.0.0.1:0",
    /"message":"follow nodes: .* trying again/,
    0,
    (port) => ({ ...aws, KUBECONFIG: downAt(port) }),
  ],
];

test.concurrent.each(waiting)("%s waits for its API", async (commandLine, sentence, code, env) => {
  await using server = await hangingUp();
  const [bin = "", ...args] = commandLine.split(" ");
  const cli = startCli(bin, args, { cwd: folder.path, env: env(server.port) });
  await server.calls(3);
  cli.kill("SIGTERM");
  const ended = await cli.ended;
  expect(ended.stderr.split("\n").filter((line) => sentence.test(line))).toHaveLength(1);
  expect(ended.stderr).not.toContain(secret);
  expect(ended.code).toBe(code);
});

function kubeconfig(server: string, token: string): string {
  return `apiVersion: v1
kind: Config
current-context: a
contexts: [{ name: a, context: { cluster: a, user: a } }]
clusters: [{ name: a, cluster: { server: "${server}" } }]
users: [{ name: a, user: { token: ${token} } }]
`;
}

/** Writes a kubeconfig for a server on that port. @returns its path */
function downAt(port: number): string {
  const file = join(folder.path, `down-${port}`);
  writeFileSync(file, kubeconfig(`https://127.0.0.1:${port}`, secret));
  return file;
}

/** A server that ends every connection at once; `calls(n)` resolves at the n-th. */
async function hangingUp() {
  let count = 0;
  const called = new EventTarget();
  const server = createServer((socket) => {
    count++;
    socket.destroy();
    called.dispatchEvent(new Event("call"));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    calls: async (least: number) => {
      while (count < least) await once(called, "call");
    },
    [Symbol.asyncDispose]: async () => {
      server.close();
    },
  };
}
