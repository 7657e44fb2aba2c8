import { MessageError } from "./error.ts";

/** A JSON object from outside: nothing in it is known yet. */
export type Fields = Record<string, unknown>;

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A field's own value; a key such as `constructor` must not find what every object inherits. */
export function fieldOf(object: Fields, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** A text that must be there. */
export function textOf(object: Fields, name: string): string {
  const text = optionalTextOf(object, name);
  if (text === undefined) throw new MessageError("MISSING_FIELD", `${name} is missing`);
  return text;
}

/** A text that may be left out or null. */
export function optionalTextOf(object: Fields, name: string): string | undefined {
  const value = fieldOf(object, name);
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string" || !isPrintable(value)) {
    throw new MessageError("INVALID_FIELD", `${name} is no text of 1 to 255 printable characters`);
  }
  return value;
}

/** An object that must be there. */
export function objectOf(object: Fields, name: string): Fields {
  const value = fieldOf(object, name);
  if (value === undefined) throw new MessageError("MISSING_FIELD", `${name} is missing`);
  if (!isFields(value)) throw new MessageError("INVALID_FIELD", `${name} is no object`);
  return value;
}

/** An EC2 instance id. It ends up in requests and log lines, so nothing else may hide in it. */
export function instanceIdOf(object: Fields, name: string): string {
  const id = textOf(object, name);
  if (!isInstanceId(id)) throw new MessageError("INVALID_FIELD", `${name} is no instance id`);
  return id;
}

export function isInstanceId(text: string): boolean {
  return /^i-[\w-]{1,64}$/.test(text);
}

function isPrintable(text: string): boolean {
  return text.length > 0 && text.length <= 255 && !/\p{Cc}/u.test(text);
}
