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

/**
 * Published checksums of Kubernetes 1.36.3, from `pkg/assets/assetdata/k8s-1.36.yaml` of kubernetes/kops, which
 * installs clusters by them; kubectl's agree with those in many other repositories.
 */
const kubernetesReleases: Partial<Record<ComponentName, Component["downloads"]>> = {
  "kube-apiserver": kubernetesRelease("kube-apiserver", {
    "linux-x64": "1f217d397234a6d065da663c6e086fdb02c0f0de97a0758ff3e6f3956f4ef8ab",
    "linux-arm64": "16001b9d35d23634c361a1e2b7b0fc7abe186984af697ef7a869c8c8cded78b7",
  }),
  "kube-controller-manager": kubernetesRelease("kube-controller-manager", {
    "linux-x64": "7edfe976d5a06c7a702d653e914095f4a732a04bb2139115b6a6eba6a9b781c7",
    "linux-arm64": "27868a5c822824945b93f2d8a724a5dcd99affc68b47230ae766bff8795bbb84",
  }),
  "kube-scheduler": kubernetesRelease("kube-scheduler", {
    "linux-x64": "b8955d4518c902110b50a825364339b1fb673822518ce0ba081a69ed634f8eee",
    "linux-arm64": "ca1c7cd0033942bf9ef7eac80e18375d91f6f29487244c3e685f11163b01a88d",
  }),
  kubectl: kubernetesRelease("kubectl", {
    "linux-x64": "ebbd080e7c2e275093b55915722043257eb24004363e20acb3c4d71919f88336",
    "linux-arm64": "3d86f24401c41ae5a46ac50eef8865fe891d3647d324a0836f6c63757a126e62",
    "darwin-x64": "158b3b46cf74e8b6bd9b1d7cd30f665e3efb2bc1ec3c843ec925bcfdd2930de0",
    "darwin-arm64": "fc8582acde13869a606730a79379d6515f30c68afcced0b5ac8789d5d002b7d6",
  }),
};

/**
 * Everything the tests can ask for. A new version is a change of the go.mod in tools/ and of the releases here, which
 * name the version once more so that a checksum cannot outlive it.
 */
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
    // Four repositories that do not copy each other have this one; for other platforms only one of them has any.
    downloads: {
      "linux-x64": {
        url: "https://github.com/open-policy-agent/opa/releases/download/v1.17.1/opa_linux_amd64_static",
        sha256: "3d4bb88482958d990351ec5d2f7558509992776bc473bc1b78d86d76cb993ca3",
      },
    },
  }),
  etcd: pinned("etcd", {
    tool: "etcd",
    module: "go.etcd.io/etcd/server/v3",
    main: "go.etcd.io/etcd/server/v3",
    takes: "about a minute",
    accepts: { from: "3.5", before: "4" },
    // From `roles/kubespray_defaults/vars/main/checksums.yml` of kubernetes-sigs/kubespray; others agree with each.
    downloads: {
      "linux-x64": etcdRelease(
        "amd64",
        "cf8af880c5a01ee5363cefa14a3e0cb7e5308dcf4ed17a6973099c9a7aee5a9a",
      ),
      "linux-arm64": etcdRelease(
        "arm64",
        "ef5fc443cf7cc5b82738f3c28363704896551900af90a6d622cae740b5644270",
      ),
    },
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
    // The kwok-bin package of the Arch user repository and another project's pins agree on this one alone.
    downloads: {
      "linux-x64": {
        url: "https://github.com/kubernetes-sigs/kwok/releases/download/v0.8.0/kwok-linux-amd64",
        sha256: "f5a4385a2ae1b9dd7f8acae18e002a75c0ebba124ae9d7259aa8dadb50711f46",
      },
    },
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
    downloads: kubernetesReleases[program] ?? {},
  });
}

/** A program's downloads by its checksum on each platform; the platforms are Node's names, the release has Go's. */
function kubernetesRelease(
  program: ComponentName,
  checksums: Record<string, string>,
): Component["downloads"] {
  return Object.fromEntries(
    Object.entries(checksums).map(([platform, sha256]) => {
      const folder = platform.replace("-x64", "/amd64").replace("-arm64", "/arm64");
      return [
        platform,
        { url: `https://dl.k8s.io/release/v1.36.3/bin/${folder}/${program}`, sha256 },
      ];
    }),
  );
}

function etcdRelease(architecture: string, sha256: string): Download {
  const folder = `etcd-v3.6.7-linux-${architecture}`;
  const url = `https://github.com/etcd-io/etcd/releases/download/v3.6.7/${folder}.tar.gz`;
  return { url, sha256, member: `${folder}/etcd` };
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
