import { cpSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatTable } from "@internal/lib/table";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startProcess } from "../test/cli.ts";
import { blocksOf } from "../test/readme/steps.ts";
import { nodeRelease, nodeReleases, oldNodeRelease } from "../tools/node-release.ts";
import { type Registry, startRegistry } from "./registry.ts";
import { consumerFolder, nodeWithNpm, release, run, temporaryFolder } from "./rehearsal.ts";

interface Ceiling {
  /** Installed with it, itself included. */
  packages: number;
  /** On disk. */
  mebibytes: number;
  /** Its direct dependencies, and what a user would miss without each. */
  dependencies: Record<string, string>;
  /** What its API has at least. */
  exports: string[];
}

const yaml = "configuration with the place of each mistake";
const zod = "one schema that checks, types and describes the configuration";
const logtape = "log lines for people and for machines, without dependencies";
const promClient = "/metrics as Prometheus reads it";

/** What each package may cost its user. A change that needs more has to say so, and why, here. */
const ceilings: Record<string, Ceiling> = {
  "istio-port-policy": {
    packages: 5,
    mebibytes: 4,
    dependencies: {
      "js-yaml": "reads manifests nine times as fast as a parser that keeps places",
      ignore: "leaves out what git ignores, by git's own rules",
    },
    exports: ["detectProtocol", "checkService", "checkManifests", "checkCluster", "renderRego"],
  },
  "rego-coverage": {
    packages: 10,
    mebibytes: 9,
    dependencies: {
      "istanbul-lib-coverage": "the model that the reports are made from",
      "istanbul-lib-report": "writes them",
      "istanbul-reports": "lcov, cobertura and HTML as every coverage service reads them",
    },
    exports: ["runCoverage", "missingCoverage", "formatMissing"],
  },
  "kube-leader": {
    packages: 1,
    mebibytes: 1,
    dependencies: {},
    exports: ["acquireLeadership", "runAsLeader", "readLeader", "renderRbac"],
  },
  "pagerduty-tester": {
    packages: 34,
    mebibytes: 18,
    dependencies: {
      croner: "cron with time zones, summer time and the n-th weekday",
      got: "retries and time-outs by phase, so that it is known whether a request was sent",
      yaml,
      zod,
      "@logtape/logtape": logtape,
      "prom-client": promClient,
    },
    exports: [
      "loadConfig",
      "nextRuns",
      "createTestIncident",
      "PagerDutyClient",
      "createTester",
      "verdictOf",
    ],
  },
  "node-rollout": {
    packages: 112,
    mebibytes: 110,
    dependencies: {
      "@aws-sdk/client-sqs": "the queue; credentials from every place that AWS has them",
      "@aws-sdk/client-auto-scaling": "completes lifecycle actions",
      "@aws-sdk/client-cloudformation": "signals a stack that a node is ready",
      "@kubernetes/client-node": "kubeconfigs with exec plugins, OIDC and certificates",
      yaml,
      zod,
      "@logtape/logtape": logtape,
      "prom-client": promClient,
    },
    exports: [
      "parseMessage",
      "planDrain",
      "drainNode",
      "evaluateReadiness",
      "auditBudgets",
      "createDaemon",
    ],
  },
};
const names = Object.keys(ceilings);
const folder = temporaryFolder();
let registry: Registry;

beforeAll(async () => {
  const upstream = (await run("npm", ["config", "get", "registry"])).trim();
  registry = await startRegistry(upstream);
  await release(folder.path, registry);
  for (const [file, tarball] of registry.tarballs) keep("tarballs", file, tarball);
}, 600_000);

/** The release workflow publishes what was tried: in this folder it finds the very files. */
function keep(kind: "tarballs" | "sbom", file: string, content: Buffer | string): void {
  const kept = process.env["REHEARSAL_KEEP"];
  if (kept === undefined) return;
  mkdirSync(join(kept, kind), { recursive: true });
  writeFileSync(join(kept, kind, file), content);
}

afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

test("lerna versions and publishes the five packages, each once", () => {
  const published = registry.published.map((each) => each.split("@")[0]);
  expect(published.toSorted()).toEqual(names.toSorted());
});

test("a tarball holds what a user runs and reads, and nothing else", async () => {
  for (const [file, tarball] of registry.tarballs) {
    writeFileSync(join(folder.path, file), tarball);
    const entries = (await run("tar", ["-tzf", join(folder.path, file)])).trim().split("\n");
    const tops = new Set(entries.map((entry) => entry.split("/")[1]));
    expect(tops, file).toContain("dist");
    for (const top of tops) {
      expect(
        ["dist", "README.md", "LICENSE", "package.json", "CHANGELOG.md", "config.schema.json"],
        file,
      ).toContain(top);
    }
  }
});

test.each(names)("%s has a changelog that leads up to what is published", async (name) => {
  const file = registry.published.find((each) => each.startsWith(`${name}@`))?.replace("@", "-");
  const changelog = await run("tar", [
    "-xzOf",
    join(folder.path, `${file}.tgz`),
    "package/CHANGELOG.md",
  ]);
  expect(changelog).toContain(`${file?.slice(`${name}-`.length)}`);
  expect(changelog).toMatch(/^### (Features|Bug Fixes)$/m);
});

test.each(names)("%s has a bill of materials: everything a user installs with it", async (name) => {
  const { npm } = nodeWithNpm("24");
  const cwd = join(folder.path, `${name}-sbom`);
  mkdirSync(cwd);
  const file =
    [...registry.tarballs.keys()].find((each) => each.replace(/-\d.*/, "") === name) ?? "";
  await run("tar", ["-xzf", join(folder.path, file), "-C", cwd, "--strip-components=1"]);
  const manifest = JSON.parse(readFileSync(join(cwd, "package.json"), "utf8"));
  // They name our private workspaces, which no registry has.
  delete manifest.devDependencies;
  writeFileSync(join(cwd, "package.json"), JSON.stringify(manifest));
  const options = ["--omit=dev", "--no-audit", "--no-fund", "--registry", `${registry.url}/`];
  await npm(cwd, "install", ...options);
  const sbom = await npm(cwd, "sbom", "--sbom-format", "spdx", "--omit", "dev");
  keep("sbom", `${name}.spdx.json`, sbom);
  const listed = JSON.parse(sbom).packages.map(({ name }: { name: string }) => name);
  const lock = JSON.parse(readFileSync(join(cwd, "package-lock.json"), "utf8"));
  const installed = Object.entries<{ optional?: boolean; peer?: boolean }>(lock.packages)
    .filter(([, { optional, peer }]) => !optional && !peer)
    .map(([path]) => path.replace(/^.*node_modules\//, "") || name);
  expect(new Set(listed)).toEqual(new Set(installed));
});

describe.each(Object.keys(nodeReleases))("on Node %s", (major) => {
  const { node, npm, npx } = nodeWithNpm(major);

  test.each(names)("%s installs, runs and imports", async (name) => {
    const { exports } = ceilings[name] ?? { exports: [] };
    const cwd = consumerFolder(folder.path, `${name}-${major}`);
    await npm(cwd, "install", "--no-audit", "--no-fund", "--registry", `${registry.url}/`, name);
    const manifest = JSON.parse(
      readFileSync(join(cwd, "node_modules", name, "package.json"), "utf8"),
    );

    expect((await npx(cwd, name, "--version")).trim()).toBe(manifest.version);
    expect(await npx(cwd, name, "--help")).toContain(`Usage: ${name}`);
    const imported = `import(${JSON.stringify(name)}).then((api) => console.log(JSON.stringify(Object.keys(api))))`;
    const esm: string[] = JSON.parse(await node(cwd, "--input-type=module", "--eval", imported));
    const required = `console.log(JSON.stringify(Object.keys(require(${JSON.stringify(name)}))))`;
    const cjs: string[] = JSON.parse(await node(cwd, "--input-type=commonjs", "--eval", required));
    expect(esm).toEqual(expect.arrayContaining(exports));
    expect(cjs).toEqual(expect.arrayContaining(exports));
  });
});

test.each(names)("%s says in one sentence that the system's Node is too old", async (name) => {
  const node = nodeRelease("20");
  const cwd = join(folder.path, `${name}-24`);
  const bin = join(cwd, "node_modules", ".bin", name);
  for (const args of [["--help"], ["--version"], []]) {
    const { code, stdout, stderr } = await startProcess(node, [bin, ...args], { cwd }).ended;
    expect(stderr).toBe(
      `${name}: needs Node 22.19 or newer, and this is v${oldNodeRelease["20"]}; install a newer Node, ` +
        `or run it with npx -p node@24 -p ${name} ${name}\n`,
    );
    expect([code, stdout]).toEqual([2, ""]);
  }
});

test("installs stay below their ceilings, and every dependency has its reason", () => {
  const rows = names.map((name) => {
    const modules = join(folder.path, `${name}-24`, "node_modules");
    const lock = JSON.parse(readFileSync(join(modules, ".package-lock.json"), "utf8"));
    const { dependencies = {} } = lock.packages[`node_modules/${name}`];
    const packages = Object.keys(lock.packages).length;
    return { name, packages, mebibytes: sizeOf(modules) / 2 ** 20, dependencies };
  });
  const table = rows.map(({ name, packages, mebibytes }) => {
    const most = ceilings[name];
    return [
      name,
      `${packages} of ${most?.packages}`,
      `${mebibytes.toFixed(1)} of ${most?.mebibytes}`,
    ];
  });
  console.log(formatTable([["package", "packages installed", "MiB on disk"], ...table]).join("\n"));
  for (const { name, packages, mebibytes, dependencies } of rows) {
    const most = ceilings[name];
    expect(packages, name).toBeLessThanOrEqual(most?.packages ?? 0);
    expect(mebibytes, name).toBeLessThanOrEqual(most?.mebibytes ?? 0);
    expect(Object.keys(most?.dependencies ?? {}).toSorted(), name).toEqual(
      Object.keys(dependencies).toSorted(),
    );
  }
});

describe.each(["5.9.3", "7.0.2"])("types for a consumer on TypeScript %s", (version) => {
  test.each(names)("%s", async (name) => {
    const { npm, npx } = nodeWithNpm("24");
    const cwd = join(folder.path, `${name}-24`);
    const consumer = join(import.meta.dirname, "consumers", `${name}.ts`);
    cpSync(consumer, join(cwd, "consumer.ts"));
    await npm(
      cwd,
      "install",
      "--no-audit",
      "--no-fund",
      "--registry",
      `${registry.url}/`,
      `typescript@${version}`,
      "@types/node@24",
    );
    const examples = writeExamples(cwd, name);
    for (const resolution of ["nodenext", "bundler"]) {
      const module = resolution === "nodenext" ? "nodenext" : "esnext";
      const flags = ["--noEmit", "--strict", "--target", "es2024", "--module", module];
      flags.push("--moduleResolution", resolution, "--types", "node", "--skipLibCheck");
      const printed = await npx(cwd, "tsc", ...flags, "consumer.ts", ...examples).catch(
        (error: Error) => error.message,
      );
      expect(printed.split("\n").filter(isMistake)).toEqual([]);
    }
  });
});

/** Writes the README's TypeScript, each block a file. @returns their names */
function writeExamples(cwd: string, name: string): string[] {
  const readme = readFileSync(join(cwd, "node_modules", name, "README.md"), "utf8");
  const blocks = blocksOf(readme).filter(({ language }) => language === "ts");
  return blocks.map(({ line, text }) => {
    const file = `readme-${line}.ts`;
    writeFileSync(join(cwd, file), `${text}export {};\n`);
    return file;
  });
}

/** A README may use names that are its reader's (`report`, `token`): what they are it need not say. */
function isMistake(line: string): boolean {
  return /error TS\d/.test(line) && !/^readme-.*error TS(2304|2552|18004):/.test(line);
}

/** Bytes of all files below a folder. */
function sizeOf(path: string): number {
  const stat = lstatSync(path);
  if (!stat.isDirectory()) return stat.size;
  return readdirSync(path).reduce((sum, entry) => sum + sizeOf(join(path, entry)), 0);
}
