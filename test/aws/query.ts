/** One call of the AWS Query protocol: a form in, XML out. */
export interface QueryCall {
  action: string;
  version: string;
  params: Params;
}

/** A call's parameters as objects and lists: `Tags.member.1.Key` becomes `Tags[0].Key`. */
export type Params = { [name: string]: string | Params | (string | Params)[] };

/** Reads a form body. */
export function parseQuery(body: string): QueryCall {
  const params: Params = {};
  const form = new URLSearchParams(body);
  const { Action: action = "", Version: version = "", ...rest } = Object.fromEntries(form);
  for (const [path, value] of Object.entries(rest)) put(params, path.split("."), value);
  return { action, version, params };
}

function put(into: Params, [name = "", ...rest]: string[], value: string): void {
  if (rest.length === 0) {
    into[name] = value;
  } else if (rest[0] === "member") {
    const list = (into[name] ?? []) as (string | Params)[];
    const index = Number(rest[1]) - 1;
    into[name] = list;
    list[index] = rest.length === 2 ? value : inside(list[index], rest.slice(2), value);
  } else {
    into[name] = inside(into[name], rest, value);
  }
}

function inside(known: unknown, path: string[], value: string): Params {
  const object = (known ?? {}) as Params;
  put(object, path, value);
  return object;
}

/** The SDK's own schema of a structure: kind, namespace, name, traits, members, their schemas, how many are required. */
export type StructureSchema = readonly [
  kind: number,
  namespace: string,
  name: string,
  traits: unknown,
  members: readonly string[],
  schemas: readonly unknown[],
  required?: number,
];

/** What the service's own model says against these parameters; the wording is the service's. */
export function invalidParams(params: Params, schema: StructureSchema): string[] {
  const [, , , , members, , required = 0] = schema;
  const unknown = Object.keys(params).filter((name) => !members.includes(name));
  const missing = members.slice(0, required).filter((name) => params[name] === undefined);
  return [
    ...unknown.map((name) => `Unknown parameter '${name}'`),
    ...missing.map(
      (name) =>
        `Value null at '${name[0]?.toLowerCase()}${name.slice(1)}' failed to satisfy constraint: Member must not be null`,
    ),
  ];
}

type Xml = string | number | boolean | Date | undefined | Xml[] | { [name: string]: Xml };

/** An object as the Query protocol's XML: lists are `member` elements, absent values are left out. */
export function toXml(value: Xml): string {
  if (value === undefined) return "";
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map((item) => `<member>${toXml(item)}</member>`).join("");
  if (typeof value === "object") {
    return Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([name, item]) => `<${name}>${toXml(item)}</${name}>`)
      .join("");
  }
  return String(value).replace(/[<>&]/g, (character) => `&#${character.charCodeAt(0)};`);
}
