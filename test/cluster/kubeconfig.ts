import type { Credentials } from "./client.ts";

/** A kubeconfig for one identity. It is JSON, which every reader of YAML reads. */
export function kubeconfig({ url, ca, token }: Credentials, namespace = "default"): string {
  const authority = Buffer.from(ca).toString("base64");
  return JSON.stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      clusters: [
        { name: "test", cluster: { server: url, "certificate-authority-data": authority } },
      ],
      users: [{ name: "test", user: { token } }],
      contexts: [{ name: "test", context: { cluster: "test", user: "test", namespace } }],
      "current-context": "test",
    },
    null,
    2,
  );
}
