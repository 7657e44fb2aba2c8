import { readFileSync } from "node:fs";
import { join } from "node:path";
import { serviceAccountFolder } from "./connection.ts";
import { ConfigurationError } from "./errors.ts";

/** Which pod this process runs in. */
export interface Identity {
  namespace: string;
  pod: string;
  /** Undefined when nothing here tells it: then the API server is asked for it. */
  uid: string | undefined;
  /** `system:serviceaccount:NAMESPACE:NAME`, where the token tells it. */
  user: string | undefined;
  /** Where it comes from. What a token claims was signed by the API server; variables can be wrong. */
  from: "token" | "environment";
}

/** A service account's token, as far as it is a readable JWT. */
interface Claims {
  sub?: string;
  "kubernetes.io"?: { namespace?: string; pod?: { name?: string; uid?: string } };
}

/**
 * Reads who we are from the token's claims, or from `POD_NAME`, `POD_NAMESPACE` and `POD_UID`.
 *
 * @param given.token the token to read, when it is not the mounted one
 * @param given.namespace where nothing else tells it
 * @throws ConfigurationError when neither tells, or when they disagree: a lock with a wrong owner would
 * be collected under the running leader
 */
export function readIdentity(
  env: NodeJS.ProcessEnv,
  given: { token?: string | undefined; namespace?: string | undefined } = {},
): Identity {
  const folder = serviceAccountFolder(env);
  const claims = claimsOf(given.token ?? readText(join(folder, "token")));
  const claimed = claims["kubernetes.io"];
  const found = agree("namespace", [
    ["the token", claimed?.namespace],
    ["POD_NAMESPACE", env["POD_NAMESPACE"]],
    [join(folder, "namespace"), readText(join(folder, "namespace"))],
  ]);
  const namespace = found ?? given.namespace;
  const pod = agree("pod name", [
    ["the token", claimed?.pod?.name],
    ["POD_NAME", env["POD_NAME"]],
  ]);
  const uid = agree("pod uid", [
    ["the token", claimed?.pod?.uid],
    ["POD_UID", env["POD_UID"]],
  ]);
  if (pod === undefined || namespace === undefined) {
    const missing = pod === undefined ? "pod" : "namespace";
    throw new ConfigurationError(
      `cannot tell this process's ${missing}: the token does not name it; set POD_NAME, POD_NAMESPACE and POD_UID from the pod's fields metadata.name, metadata.namespace and metadata.uid`,
    );
  }
  const from = claimed?.pod?.uid === undefined ? "environment" : "token";
  return { namespace, pod, uid, user: claims.sub, from };
}

/** The namespace alone, for those who only look. */
export function readNamespace(env: NodeJS.ProcessEnv): string | undefined {
  const folder = serviceAccountFolder(env);
  const { namespace } = claimsOf(readText(join(folder, "token")))["kubernetes.io"] ?? {};
  return namespace ?? (env["POD_NAMESPACE"] || readText(join(folder, "namespace")));
}

/** The one value that all sources which have one give. */
function agree(what: string, sources: [string, string | undefined][]): string | undefined {
  const given = sources.filter(([, value]) => value !== undefined && value !== "");
  const [first] = given;
  for (const [source, value] of given) {
    if (value !== first?.[1]) {
      throw new ConfigurationError(
        `the ${what} is ${first?.[1]} by ${first?.[0]}, but ${value} by ${source}; they must agree`,
      );
    }
  }
  return first?.[1];
}

function claimsOf(token: string | undefined): Claims {
  try {
    const payload = token?.split(".")[1] ?? "";
    return (JSON.parse(Buffer.from(payload, "base64url").toString()) as Claims | null) ?? {};
  } catch {
    return {}; // an opaque token tells nothing
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return undefined;
  }
}
