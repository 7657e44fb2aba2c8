import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What a client needs to reach a server as somebody. */
export interface Credentials {
  server: string;
  token: string;
  /** PEM of the authority to trust; none over plain HTTP. */
  ca?: string | undefined;
  namespace?: string | undefined;
}

/** Writes a kubeconfig with one context, `test`. It is JSON, which is YAML. @returns the file's path */
export function writeKubeconfig(file: string, credentials: Credentials): string {
  const { server, token, ca, namespace } = credentials;
  const trusted =
    ca === undefined ? {} : { "certificate-authority-data": Buffer.from(ca).toString("base64") };
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    contexts: [
      {
        name: "test",
        context: {
          cluster: "test",
          user: "test",
          ...(namespace === undefined ? {} : { namespace }),
        },
      },
    ],
    clusters: [{ name: "test", cluster: { server, ...trusted } }],
    users: [{ name: "test", user: { token } }],
  };
  writeFileSync(file, `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 });
  return file;
}

/** Writes the folder that a pod finds its service account in. @returns the folder's path */
export function writeServiceAccountFolder(folder: string, credentials: Credentials): string {
  const { token, ca = "", namespace = "default" } = credentials;
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries({ token, "ca.crt": ca, namespace })) {
    writeFileSync(join(folder, name), text);
  }
  return folder;
}
