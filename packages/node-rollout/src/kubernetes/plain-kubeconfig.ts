import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { Access } from "./http.ts";

/** A mapping of a kubeconfig, its values unchecked. */
type Fields = Record<string, unknown>;

/** What is understood here; an entry with any other field is left to the library. */
const clusterFields = [
  ...["server", "certificate-authority", "certificate-authority-data"],
  ...["insecure-skip-tls-verify", "tls-server-name", "extensions"],
];
const userFields = [
  ...["token", "client-certificate", "client-certificate-data"],
  ...["client-key", "client-key-data", "extensions"],
];

/**
 * Reads a kubeconfig whose credentials stand in it, or in files beside it. Loading the kubeconfig library takes
 * most of a command's time before its first request, half a second, and 50 MB.
 *
 * @param file the kubeconfig
 * @param context one of its contexts, default its current one
 * @returns undefined where it takes more, a program for instance, and where something is wrong: the library knows
 * every case, and what is wrong with it
 */
export async function plainAccess(file: string, context?: string): Promise<Access | undefined> {
  try {
    const { parse } = await import("yaml");
    return await accessOf(parse(await readFile(file, "utf8")), dirname(file), context);
  } catch {
    return undefined;
  }
}

async function accessOf(
  config: Fields,
  folder: string,
  name = config["current-context"],
): Promise<Access | undefined> {
  const context = entryOf(config, "context", name);
  const cluster = entryOf(config, "cluster", context["cluster"]);
  const user = entryOf(config, "user", context["user"]);
  if (!hasOnly(cluster, clusterFields) || !hasOnly(user, userFields)) return undefined;
  const { server } = cluster;
  const { token } = user;
  if (typeof server !== "string") return undefined;
  const tls = {
    ca: await contentOf(cluster, "certificate-authority", folder),
    cert: await contentOf(user, "client-certificate", folder),
    key: await contentOf(user, "client-key", folder),
    rejectUnauthorized: cluster["insecure-skip-tls-verify"] === true ? false : undefined,
    servername: cluster["tls-server-name"],
  };
  const known = Object.entries(tls).filter(([, value]) => value !== undefined);
  return {
    server,
    tls: Object.fromEntries(known) as Access["tls"],
    headers: async () => (token ? { authorization: `Bearer ${token}` } : {}),
  };
}

/** `contexts: [{ name, context }]`, and clusters and users alike. */
function entryOf(config: Fields, kind: string, name: unknown): Fields {
  const entries = config[`${kind}s`] as ({ name: string } & Record<string, Fields>)[];
  const found = entries.find((entry) => entry.name === name)?.[kind];
  if (found === undefined) throw new Error(`no ${kind} ${name}`);
  return found;
}

function hasOnly(entry: Fields, known: readonly string[]): boolean {
  return Object.keys(entry).every((field) => known.includes(field));
}

/** A file's content, or what stands in the kubeconfig in its place. */
async function contentOf(entry: Fields, field: string, folder: string) {
  const { [field]: file, [`${field}-data`]: data } = entry;
  if (typeof data === "string") return Buffer.from(data, "base64");
  return typeof file === "string" ? await readFile(resolve(folder, file)) : undefined;
}
