import type { Service } from "../service.ts";

/** A Service of a document, and the keys that lead to it. */
export interface FoundService {
  service: Service;
  path: (string | number)[];
}

/** What of a document matters here; everything else in it is ignored. */
export interface Resources {
  services: FoundService[];
  namespaces: { name: string; labels: Record<string, string> }[];
}

/** What a List says of the items that leave it out. */
export interface ListHead {
  kind?: unknown;
  apiVersion?: unknown;
}

/**
 * The Services and Namespaces of a parsed document, those inside of Lists included. As for kubectl, a List is what has
 * `items`, whatever its kind.
 *
 * @param path the keys that lead to the value in its text
 * @param list the head of the List that the value is an item of
 */
export function resourcesOf(
  value: unknown,
  path: (string | number)[] = [],
  list: ListHead = {},
): Resources {
  const found: Resources = { services: [], namespaces: [] };
  collect(value, path, list, found);
  return found;
}

/** Lists in Lists, two steps each: nobody nests more, and an alias could lead in a circle. */
const deepestList = 8;

function collect(
  value: unknown,
  path: (string | number)[],
  list: ListHead,
  found: Resources,
): void {
  if (!isObject(value) || path.length > deepestList) return;
  const { items } = value;
  // Items of a ServiceList may leave out what its kind says already.
  const kind = value["kind"] ?? itemKindOf(list);
  const apiVersion = value["apiVersion"] ?? list.apiVersion ?? "v1";
  if (Array.isArray(items)) {
    items.forEach((item, index) => {
      collect(item, [...path, "items", index], { kind, apiVersion }, found);
    });
  } else if (apiVersion !== "v1") return;
  else if (kind === "Service") found.services.push({ service: toService(value), path });
  else if (kind === "Namespace") found.namespaces.push(toNamespace(value));
}

function itemKindOf({ kind }: ListHead): string | undefined {
  return typeof kind === "string" && kind.endsWith("List") ? kind.slice(0, -4) : undefined;
}

/** A Service whose fields have the types they are declared with; a field of another type counts as absent. */
function toService(value: Record<string, unknown>): Service {
  const metadata = isObject(value["metadata"]) ? value["metadata"] : {};
  const spec = isObject(value["spec"]) ? value["spec"] : {};
  const ports = Array.isArray(spec["ports"]) ? spec["ports"] : [];
  return {
    kind: "Service",
    metadata: {
      ...texts(metadata, ["name", "generateName", "namespace"]),
      labels: textMap(metadata["labels"]),
      annotations: textMap(metadata["annotations"]),
    },
    spec: {
      ...texts(spec, ["type", "clusterIP"]),
      ports: ports.map((port) => (isObject(port) ? port : {})),
    },
  };
}

function toNamespace({ metadata }: Record<string, unknown>): Resources["namespaces"][number] {
  const { name, labels } = isObject(metadata) ? metadata : {};
  return { name: typeof name === "string" ? name : "", labels: textMap(labels) };
}

function texts(from: Record<string, unknown>, keys: string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const key of keys) {
    const value = from[key];
    if (typeof value === "string") found[key] = value;
  }
  return found;
}

function textMap(value: unknown): Record<string, string> {
  return isObject(value) ? texts(value, Object.keys(value)) : {};
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** True for a Service that a template engine has still to fill in: `{{` where its ports or names should be. */
export function isTemplated({ metadata, spec }: Service): boolean {
  const ports = spec?.ports ?? [];
  return (
    isPlaceholder(metadata?.name) ||
    isPlaceholder(metadata?.namespace) ||
    ports.some((port) => Object.values(port).some(isPlaceholder))
  );
}

function isPlaceholder(value: unknown): boolean {
  return typeof value === "string" && value.includes("{{");
}
