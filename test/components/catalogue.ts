import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export type ComponentName =
  | "opa"
  | "opa-row-schema"
  | "etcd"
  | "kube-apiserver"
  | "kube-controller-manager"
  | "kube-scheduler"
  | "kubectl"
  | "gator"
  | "kwok"
  | "operator-lib-leader"
  | "client-go-lease";

/** A file of an official release. */
export interface Download {
  url: string;
  /** Hexadecimal, of the file at `url`, as the project published it. */
  sha256: string;
  /** The program's path in the archive, when `url` is a `.tar.gz`. */
  member?: string;
}

/** What a component is and where it can come from. */
export interface Component {
  name: string;
  /** The program's name on PATH. */
  program: string;
  /** The version that is downloaded or built, as its go.mod pins it: `v1.36.3`. */
  version: string;
  /** Versions found in the environment or on PATH that do as well: `from` inclusive, `before` exclusive. */
  accepts?: { from: string; before: string };
  /** Arguments that make the program print its version. */
  versionArguments: string[];
  /** The release's file for each platform, `linux-x64` and so on, where its checksum is known. */
  downloads: Record<string, Download>;
  build: {
    /** The folder of the go.mod. */
    folder: string;
    /** The main package. */
    package: string;
    ldflags: string[];
    /** What to expect of a first build on two cores. */
    takes: string;
  };
}

interface Pinned {
  /** The folder in tools/. */
  tool: string;
  /** The module whose version is the component's. */
  module: string;
  main: string;
  takes: string;
  program?: string;
  accepts?: Component["accepts"];
  versionArguments?: string[];
  ldflags?: (version: string) => string[];
  downloads?: Component["downloads"];
}

/** Everything the tests can ask for. A new version is a change of the go.mod in tools/ (and of the checksums here). */
export const catalogue: Record<ComponentName, Component> = {
  // The newest, whose coverage report has ranges with columns and reasons (1.20 and later).
  opa: pinned("opa", {
    ...opa("opa"),
    accepts: { from: "1.20", before: "2" },
  }),
  // The last whose coverage report has rows alone.
  "opa-row-schema": pinned("opa-row-schema", {
    ...opa("opa-row-schema"),
    program: "opa",
    accepts: { from: "1.0", before: "1.18" },
  }),
  etcd: pinned("etcd", {
    tool: "etcd",
    module: "go.etcd.io/etcd/server/v3",
    main: "go.etcd.io/etcd/server/v3",
    takes: "about a minute",
    accepts: { from: "3.5", before: "4" },
  }),
  "kube-apiserver": kubernetes("kube-apiserver", "4 to 7 minutes"),
  "kube-controller-manager": kubernetes("kube-controller-manager", "about a minute"),
  "kube-scheduler": kubernetes("kube-scheduler", "a few seconds"),
  kubectl: kubernetes("kubectl", "a few seconds"),
  gator: pinned("gator", {
    tool: "gator",
    module: "github.com/open-policy-agent/gatekeeper/v3",
    main: "github.com/open-policy-agent/gatekeeper/v3/cmd/gator",
    takes: "about two minutes",
  }),
  kwok: pinned("kwok", {
    tool: "kwok",
    module: "sigs.k8s.io/kwok",
    main: "sigs.k8s.io/kwok/cmd/kwok",
    takes: "about a minute",
    accepts: { from: "0.7", before: "1" },
  }),
  "operator-lib-leader": peer("operator-lib-leader", "github.com/operator-framework/operator-lib"),
  "client-go-lease": peer("client-go-lease", "k8s.io/client-go"),
};

/** A main of our own around the library that a benchmark compares with. */
function peer(tool: string, module: string): Component {
  return pinned(tool, { tool, module, main: ".", takes: "about a minute" });
}

function opa(tool: string): Pinned {
  return {
    tool,
    module: "github.com/open-policy-agent/opa",
    main: "github.com/open-policy-agent/opa",
    takes: "about a minute",
    versionArguments: ["version"],
  };
}

/** One Kubernetes version for all of its programs; another patch of the same minor does as well. */
function kubernetes(program: ComponentName, takes: string): Component {
  const minor = Number(pinnedVersion("kubernetes", "k8s.io/kubernetes").split(".")[1]);
  return pinned(program, {
    tool: "kubernetes",
    module: "k8s.io/kubernetes",
    main: `k8s.io/kubernetes/cmd/${program}`,
    takes,
    accepts: { from: `1.${minor}`, before: `1.${minor + 1}` },
    ...(program === "kubectl" ? { versionArguments: ["version", "--client"] } : {}),
    ldflags: versionFlags,
  });
}

/** Without these a built API server does not know its own version. */
function versionFlags(version: string): string[] {
  const [major = "", minor = ""] = version.replace("v", "").split(".");
  const values = { gitVersion: version, gitMajor: major, gitMinor: minor, gitTreeState: "clean" };
  return ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"].flatMap((variables) =>
    Object.entries(values).map(([name, value]) => `-X ${variables}.${name}=${value}`),
  );
}

function pinned(name: string, pin: Pinned): Component {
  const version = pinnedVersion(pin.tool, pin.module);
  return {
    name,
    program: pin.program ?? name,
    version,
    versionArguments: pin.versionArguments ?? ["--version"],
    ...(pin.accepts === undefined ? {} : { accepts: pin.accepts }),
    downloads: pin.downloads ?? {},
    build: {
      folder: toolFolder(pin.tool),
      package: pin.main,
      ldflags: ["-s", "-w", ...(pin.ldflags?.(version) ?? [])],
      takes: pin.takes,
    },
  };
}

function pinnedVersion(tool: string, module: string): string {
  const file = `${toolFolder(tool)}/go.mod`;
  const line = readFileSync(file, "utf8")
    .split("\n")
    .map((text) => text.trim().split(/\s+/))
    .find(([path, version]) => path === module && version?.startsWith("v"));
  if (line?.[1] === undefined) throw new Error(`${file} requires no ${module}`);
  return line[1];
}

function toolFolder(tool: string): string {
  return fileURLToPath(new URL(`../../tools/${tool}`, import.meta.url));
}
