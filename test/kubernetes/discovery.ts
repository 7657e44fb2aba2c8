import { apiVersionOf, resources } from "./resources.ts";

/** The version that the fake says it is. */
export const version = {
  major: "1",
  minor: "36",
  gitVersion: "v1.36.3-fake",
  platform: "linux/amd64",
};

const groups = [...new Set(resources.map(({ group }) => group))].filter((name) => name !== "");

/** Answers the paths that tell a client what there is; undefined for any other. */
export function discover(pathname: string): object | string | undefined {
  if (["/readyz", "/livez", "/healthz"].includes(pathname)) return "ok";
  if (pathname === "/version") return version;
  if (pathname === "/api") return { kind: "APIVersions", versions: ["v1"] };
  if (pathname === "/apis") {
    return { kind: "APIGroupList", apiVersion: "v1", groups: groups.map(describeGroup) };
  }
  const groupVersion = pathname.match(/^\/(?:api\/(v1)|apis\/([^/]+\/v1))$/);
  return groupVersion === null ? undefined : describeResources(groupVersion[1] ?? groupVersion[2]!);
}

function describeGroup(name: string): object {
  const only = { groupVersion: `${name}/v1`, version: "v1" };
  return { name, versions: [only], preferredVersion: only };
}

function describeResources(groupVersion: string): object | undefined {
  const ofGroup = resources.filter((resource) => apiVersionOf(resource) === groupVersion);
  if (ofGroup.length === 0) return undefined;
  const verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion,
    resources: ofGroup.map(({ plural, kind, namespaced }) => ({
      name: plural,
      singularName: kind.toLowerCase(),
      namespaced,
      kind,
      verbs,
    })),
  };
}
