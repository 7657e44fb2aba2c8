import { badRequest, Refusal } from "./failures.ts";
import type { Fields, KubeObject } from "./objects.ts";
import type { Resource } from "./resources.ts";

export type Predicate = (object: KubeObject) => boolean;
type LabelTest = (labels: Record<string, string>) => boolean;

/** The selector of a controller or a budget: the `matchLabels` and `matchExpressions` of an object. */
export interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

/**
 * Reads `labelSelector` of a query: `a=b,c!=d,e in (f,g),h notin (i),j,!k`.
 *
 * @throws Refusal 400 for a selector that cannot be read
 */
export function parseLabelSelector(text: string): Predicate {
  const tests = splitOutsideParentheses(text).map((part) => parseRequirement(part.trim()));
  return ({ metadata }) => tests.every((test) => test(metadata.labels ?? {}));
}

function splitOutsideParentheses(text: string): string[] {
  return text.trim() === "" ? [] : text.split(/,(?![^(]*\))/);
}

function parseRequirement(part: string): LabelTest {
  const key = "[\\w./-]+";
  const set = part.match(new RegExp(`^(${key})\\s+(in|notin)\\s*\\(([^)]*)\\)$`));
  if (set !== null) {
    const values = set[3]!.split(",").map((value) => value.trim());
    return requirement(set[1]!, set[2] === "in" ? "In" : "NotIn", values);
  }
  const equality = part.match(new RegExp(`^(${key})\\s*(==|=|!=)\\s*([\\w.-]*)$`));
  if (equality !== null) {
    return requirement(equality[1]!, equality[2] === "!=" ? "NotIn" : "In", [equality[3]!]);
  }
  const existence = part.match(new RegExp(`^(!?)\\s*(${key})$`));
  if (existence !== null) {
    return requirement(existence[2]!, existence[1] === "!" ? "DoesNotExist" : "Exists", []);
  }
  throw badRequest(`unable to parse requirement: ${part}`);
}

function requirement(key: string, operator: string, values: readonly string[]): LabelTest {
  switch (operator) {
    case "In":
      return (labels) => Object.hasOwn(labels, key) && values.includes(labels[key]!);
    case "NotIn":
      return (labels) => !Object.hasOwn(labels, key) || !values.includes(labels[key]!);
    case "Exists":
      return (labels) => Object.hasOwn(labels, key);
    case "DoesNotExist":
      return (labels) => !Object.hasOwn(labels, key);
    default:
      throw badRequest(`"${operator}" is not a valid label selector operator`);
  }
}

/** Whether an object's labels fit a selector; an absent one fits nothing, an empty one everything. */
export function selects(selector: LabelSelector | undefined | null, object: KubeObject): boolean {
  if (selector === undefined || selector === null) return false;
  const tests = [
    ...Object.entries(selector.matchLabels ?? {}).map(([key, value]) =>
      requirement(key, "In", [value]),
    ),
    ...(selector.matchExpressions ?? []).map(({ key, operator, values = [] }) =>
      requirement(key, operator, values),
    ),
  ];
  return tests.every((test) => test(object.metadata.labels ?? {}));
}

const everywhere = ["metadata.name", "metadata.namespace"];
const fieldsOf: Record<string, readonly string[]> = {
  pods: ["spec.nodeName", "spec.restartPolicy", "spec.serviceAccountName", "status.phase"],
  nodes: ["spec.unschedulable"],
  namespaces: ["status.phase"],
  events: [
    ...["involvedObject.kind", "involvedObject.namespace", "involvedObject.name"],
    ...["involvedObject.uid", "regarding.kind", "regarding.namespace", "regarding.name"],
    ...["reason", "type"],
  ],
};

export interface FieldSelector {
  matches: Predicate;
  /** The one name it asks for, which counts as the request's name for the permissions. */
  name?: string;
}

/**
 * Reads `fieldSelector` of a query: `metadata.name=x,spec.nodeName!=y`.
 *
 * @throws Refusal 400 for a field that the server keeps no index of, `spec.providerID`
 */
export function parseFieldSelector(text: string, resource: Resource): FieldSelector {
  const known = [...everywhere, ...(fieldsOf[resource.plural] ?? [])];
  let name: string | undefined;
  const tests = text.split(",").map((part): Predicate => {
    const [, field = "", operator, value = ""] = part.match(/^([^=!]+)(==|=|!=)(.*)$/) ?? [];
    if (operator === undefined) {
      throw badRequest(`invalid field selector: "${part}"; can't understand '${part}'`);
    }
    if (!known.includes(field)) {
      throw new Refusal(400, "BadRequest", `field label not supported: ${field}`);
    }
    if (field === "metadata.name" && operator !== "!=") name = value;
    return (object) => (fieldOf(object, field) === value) === (operator !== "!=");
  });
  return {
    matches: (object) => tests.every((test) => test(object)),
    ...(name === undefined ? {} : { name }),
  };
}

function fieldOf(object: KubeObject, path: string): string {
  let value: unknown = object;
  for (const step of path.split(".")) value = (value as Fields | undefined)?.[step];
  // An absent boolean counts as false, an absent text as "".
  return path === "spec.unschedulable" ? String(value ?? false) : String(value ?? "");
}
