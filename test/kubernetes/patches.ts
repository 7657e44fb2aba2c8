import { badRequest, Refusal } from "./failures.ts";
import { type Fields, sameJson } from "./objects.ts";

export const patchTypes = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
] as const;

export type PatchType = (typeof patchTypes)[number];

/**
 * Applies a patch to a JSON value and returns the new one; the given one stays as it is.
 *
 * @throws Refusal 400 for a patch that cannot be read, 422 for one that does not apply
 */
export function applyPatch(type: PatchType, target: Fields, patch: unknown): Fields {
  if (type === "application/json-patch+json") return applyJsonPatch(target, patch);
  if (!isFields(patch)) throw badRequest("error decoding patch: expected a JSON object");
  return type === "application/merge-patch+json"
    ? (mergePatch(target, patch) as Fields)
    : strategicMerge(target, patch);
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// ── JSON Patch, RFC 6902 ──────────────────────────────────────────────────────────────────────

interface Operation {
  op: string;
  path: string;
  from?: string;
  value?: unknown;
}

function applyJsonPatch(target: Fields, patch: unknown): Fields {
  if (!Array.isArray(patch)) {
    throw badRequest(
      "error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch",
    );
  }
  const root = { document: structuredClone(target) as unknown };
  for (const operation of patch as Operation[]) applyOperation(root, operation);
  return root.document as Fields;
}

function applyOperation(root: { document: unknown }, operation: Operation): void {
  const { op, path, from, value } = operation;
  switch (op) {
    case "test":
      if (!sameJson(read(root.document, path) ?? null, value ?? null)) throw doesNotApply();
      break;
    case "add":
      add(root, path, structuredClone(value));
      break;
    case "remove":
      remove(root, path);
      break;
    case "replace":
      remove(root, path);
      add(root, path, structuredClone(value));
      break;
    case "move": {
      const moved = read(root.document, from ?? "");
      remove(root, from ?? "");
      add(root, path, moved);
      break;
    }
    case "copy":
      add(root, path, structuredClone(read(root.document, from ?? "")));
      break;
    default:
      throw doesNotApply();
  }
}

/** The server tells no more than this when an operation, a `test` above all, does not hold. */
function doesNotApply(): Refusal {
  const message = "the server rejected our request due to an error in our request";
  return new Refusal(422, "Invalid", message, {});
}

function stepsOf(path: string): string[] {
  if (path === "") return [];
  if (!path.startsWith("/")) throw doesNotApply();
  return path
    .slice(1)
    .split("/")
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function read(document: unknown, path: string): unknown {
  let value = document;
  for (const step of stepsOf(path)) {
    if (Array.isArray(value)) value = value[indexOf(step, value.length)];
    else if (isFields(value)) value = value[step];
    else throw doesNotApply();
  }
  return value;
}

function indexOf(step: string, length: number): number {
  if (!/^(0|[1-9]\d*)$/.test(step) || Number(step) >= length) throw doesNotApply();
  return Number(step);
}

function parentOf(root: { document: unknown }, path: string): { parent: unknown; last: string } {
  const steps = stepsOf(path);
  const last = steps.pop();
  if (last === undefined) throw doesNotApply();
  const pointer = steps.map((step) => `/${step.replaceAll("~", "~0").replaceAll("/", "~1")}`);
  return { parent: read(root.document, pointer.join("")), last };
}

function add(root: { document: unknown }, path: string, value: unknown): void {
  const { parent, last } = parentOf(root, path);
  if (Array.isArray(parent)) {
    parent.splice(last === "-" ? parent.length : indexOf(last, parent.length + 1), 0, value);
  } else if (isFields(parent)) parent[last] = value;
  else throw doesNotApply();
}

function remove(root: { document: unknown }, path: string): void {
  const { parent, last } = parentOf(root, path);
  if (Array.isArray(parent)) parent.splice(indexOf(last, parent.length), 1);
  else if (isFields(parent) && Object.hasOwn(parent, last)) delete parent[last];
  else throw doesNotApply();
}

// ── JSON Merge Patch, RFC 7396 ────────────────────────────────────────────────────────────────

function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isFields(patch)) return structuredClone(patch);
  const merged: Fields = isFields(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = mergePatch(merged[key], value);
  }
  return merged;
}

// ── Strategic merge: as above, but lists that have a key are merged by it ─────────────────────

/** The merge keys of the core types' lists; a list that is not here, `taints`, is replaced whole. */
const mergeKeys: Record<string, string> = {
  addresses: "type",
  conditions: "type",
  containers: "name",
  env: "name",
  initContainers: "name",
  ownerReferences: "uid",
  volumeMounts: "mountPath",
  volumes: "name",
};
const mergedScalars = ["finalizers"];

function strategicMerge(target: Fields, patch: Fields): Fields {
  const merged: Fields = { ...target };
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith("$")) {
      throw new Refusal(501, "", `fake Kubernetes API: patch directive ${key} is not known here`);
    }
    if (value === null) delete merged[key];
    else if (Array.isArray(value)) merged[key] = mergeList(key, merged[key], value);
    else if (isFields(value)) {
      merged[key] = strategicMerge(isFields(merged[key]) ? merged[key] : {}, value);
    } else merged[key] = value;
  }
  return merged;
}

function mergeList(field: string, target: unknown, patch: unknown[]): unknown[] {
  const present = Array.isArray(target) ? target : [];
  if (mergedScalars.includes(field)) return [...new Set([...present, ...patch])];
  const mergeKey = mergeKeys[field];
  if (mergeKey === undefined) {
    if (patch.some((item) => isFields(item) && "$patch" in item)) throw doesNotApply();
    return structuredClone(patch);
  }
  const merged = [...present] as Fields[];
  for (const { $patch, ...item } of patch as Fields[]) {
    const at = merged.findIndex((other) => other[mergeKey] === item[mergeKey]);
    if ($patch === "delete") {
      if (at >= 0) merged.splice(at, 1);
    } else if (at >= 0) merged[at] = strategicMerge(merged[at]!, item);
    else merged.push(structuredClone(item));
  }
  return merged;
}
