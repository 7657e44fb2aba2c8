import { join } from "node:path";
import { startProcess } from "@internal/test/cli";
import { component } from "@internal/test/components";
import { makeFolder } from "@internal/test/folder";
import { dump } from "js-yaml";
import { beforeAll, expect, test } from "vitest";
import {
  type RenderOptions,
  renderConstraint,
  renderConstraintTemplate,
  type ServicePort,
} from "../src/index.ts";

let gator: string;
beforeAll(async () => {
  gator = await component("gator");
}, 600_000);

/** One case of a suite: an object or a whole review, and the violations it is owed. */
interface Case {
  name: string;
  object: object;
  /** With one, the object is what a request brings. */
  operation?: string;
  oldObject?: object;
  violations: number | "no";
  /** The same when a Service may opt itself out. */
  allowed?: number | "no";
  message?: string;
}

const right = { name: "http-web", port: 80 };
const wrong = { name: "web", port: 80 };
const also = { name: "admin", port: 81 };

const service = (ports: ServicePort[], metadata: object = {}, spec: object = {}) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web", namespace: "shop", ...metadata },
  spec: { ports, ...spec },
});

/** `bad` is what two wrong ports are worth: one violation each by rule istio, one a Service by rule name. */
function casesOf(rule: "istio" | "name", bad: number): Case[] {
  const said =
    rule === "istio" ? "Istio cannot tell the protocol of port 80" : "port name must match";
  const suppress = { "galley.istio.io/analyze-suppress": "IST0102,IST0118" };
  return [
    { name: "right", object: service([right]), violations: "no" },
    {
      name: "wrong",
      object: service([wrong]),
      violations: 1,
      message: `^Service shop web: ${said}`,
    },
    { name: "two-wrong", object: service([wrong, also, right]), violations: bad },
    { name: "unnamed", object: service([{ port: 80 }]), violations: 1 },
    { name: "null", object: service([{ name: null, appProtocol: null, port: 80 }]), violations: 1 },
    { name: "no-ports", object: service(null as never), violations: "no" },
    {
      name: "app-protocol",
      object: service([{ ...wrong, appProtocol: "http" }]),
      violations: rule === "istio" ? "no" : 1,
    },
    { name: "system", object: service([wrong], { namespace: "kube-system" }), violations: "no" },
    { name: "istio", object: service([wrong], { labels: { istio: "pilot" } }), violations: "no" },
    {
      name: "opted-out-namespace",
      object: service([wrong], { namespace: "old" }),
      violations: "no",
    },
    {
      name: "opted-out-service",
      object: service([wrong], { labels: { "istio-port-policy": "disabled" } }),
      violations: 1,
      allowed: "no",
    },
    {
      name: "suppressed",
      object: service([wrong], { annotations: suppress }),
      violations: 1,
      allowed: "no",
    },
    { name: "created", operation: "CREATE", object: service([wrong]), violations: 1 },
    {
      name: "kept",
      operation: "UPDATE",
      oldObject: service([wrong]),
      object: service([wrong, right], { labels: { touched: "yes" } }),
      violations: "no",
    },
    {
      name: "made-worse",
      operation: "UPDATE",
      oldObject: service([wrong]),
      object: service([wrong, also]),
      violations: 1,
    },
    {
      name: "finalizer",
      operation: "UPDATE",
      oldObject: service([right]),
      object: service([wrong], { deletionTimestamp: "2026-01-01T00:00:00Z" }),
      violations: "no",
    },
  ];
}

function reviewOf({ operation, object, oldObject }: Case): object {
  if (operation === undefined) return object;
  return {
    apiVersion: "admission.k8s.io/v1beta1",
    kind: "AdmissionReview",
    request: {
      uid: "1",
      operation,
      kind: { group: "", version: "v1", kind: "Service" },
      name: "web",
      namespace: "shop",
      object,
      ...(oldObject === undefined ? {} : { oldObject }),
    },
  };
}

const namespaces = [
  { name: "shop" },
  { name: "kube-system" },
  { name: "old", labels: { "istio-port-policy": "disabled" } },
].map((metadata) => ({ apiVersion: "v1", kind: "Namespace", metadata }));

function suiteFiles(options: RenderOptions, cases: Case[]): Record<string, string> {
  const inventory = namespaces.map(({ metadata }) => `namespace-${metadata.name}.yaml`);
  const suite = {
    apiVersion: "test.gatekeeper.sh/v1alpha1",
    kind: "Suite",
    metadata: { name: "ports" },
    tests: [
      {
        name: "ports",
        template: "template.yaml",
        constraint: "constraint.yaml",
        cases: cases.map(({ name, violations, message }) => ({
          name,
          object: `${name}.yaml`,
          inventory,
          assertions: [{ violations, ...(message === undefined ? {} : { message }) }],
        })),
      },
    ],
  };
  return Object.fromEntries(
    [
      ["suite.yaml", suite],
      ["template.yaml", renderConstraintTemplate(options)],
      ["constraint.yaml", renderConstraint(options)],
      ...namespaces.map((object) => [`namespace-${object.metadata.name}.yaml`, object]),
      ...cases.map((entry) => [`${entry.name}.yaml`, reviewOf(entry)]),
    ].map(([file, object]) => [file, dump(object)]),
  );
}

async function verify(options: RenderOptions, cases: Case[]) {
  using folder = makeFolder(suiteFiles(options, cases));
  return await startProcess(gator, ["verify", "-v", join(folder.path, "suite.yaml")]).ended;
}

const engines = [{ regoVersion: "v0" }, { regoVersion: "v1" }, { engine: "cel" }] as const;

test.each(
  engines.flatMap((engine) =>
    (["istio", "name"] as const).flatMap((rule) =>
      [false, true].map((allowServiceOptOut) => ({ rule, ...engine, allowServiceOptOut })),
    ),
  ),
)("gator verify agrees with every case of %j", async (options) => {
  // In CEL a validation has one message, whatever it says.
  const bad = options.rule === "name" || "engine" in options ? 1 : 2;
  const cases = casesOf(options.rule, bad).map((entry) =>
    options.allowServiceOptOut
      ? { ...entry, violations: entry.allowed ?? entry.violations }
      : entry,
  );
  const { code, stdout, stderr } = await verify(options, cases);
  expect(stdout + stderr).not.toMatch(/FAIL/);
  expect(stdout.match(/--- PASS/g)?.length).toBeGreaterThanOrEqual(cases.length);
  expect(code).toBe(0);
});

test("gator verify finds a case that is not so", async () => {
  const wrongCase: Case = { name: "lie", object: service([wrong]), violations: "no" };
  const { code, stdout } = await verify({}, [wrongCase]);
  expect(stdout).toMatch(/FAIL/);
  expect(code).toBe(1);
});
