import { command } from "@internal/lib/command";
import { UsageError } from "@internal/lib/errors";
import { parseFormats, writeFormats } from "@internal/lib/formats";

export const status = command({
  name: "status",
  usage: "--name LOCK [OPTION…]",
  summary: "Says in a pod which pod leads; exits 1 when none does.",
  options: {
    name: { value: "LOCK", help: "the lock, also from KUBE_LEADER_NAME" },
    namespace: { value: "NAMESPACE", help: "where the lock is, default: this pod's namespace" },
    format: { value: "NAME[=FILE]", multiple: true, help: "text or json" },
  },
  examples: [
    { line: "kube-leader status --name worker", does: "who leads" },
    { line: "kube-leader status --name worker --format json", does: "the same for programs" },
  ],
  run: async ({ values, signal, io }) => {
    const name = values.name ?? io.env["KUBE_LEADER_NAME"];
    if (!name) throw new UsageError("the lock has no name; expected --name LOCK");
    const formats = parseFormats(values.format ?? [], ["text", "json"]);
    const [{ isInCluster }, { readLeader }] = await Promise.all([
      import("../connection.ts"),
      import("../read-leader.ts"),
    ]);
    if (!isInCluster(io.env)) {
      throw new UsageError(
        `status works in a pod, and this is none: KUBERNETES_SERVICE_HOST is not set and there is no token; elsewhere kubectl get configmap ${name} -o yaml shows the pod that owns the lock`,
      );
    }
    const { namespace } = values;
    const leader = await readLeader({
      name,
      signal,
      ...(namespace === undefined ? {} : { namespace }),
    });
    const text =
      leader === undefined
        ? `nobody leads ${name}`
        : `pod ${leader.pod} (${leader.uid}) leads ${name} since ${leader.since.toISOString()}${leader.phase === undefined ? "" : `, ${leader.phase}`}`;
    await writeFormats(
      formats,
      (format) =>
        format === "json"
          ? `${JSON.stringify({ lock: name, leader: leader ?? null }, null, 2)}\n`
          : `${text}\n`,
      io,
    );
    return leader === undefined ? 1 : 0;
  },
});
