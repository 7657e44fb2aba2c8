import { command } from "@internal/lib/command";
import { UsageError } from "@internal/lib/errors";
import { print } from "@internal/lib/formats";
import { parseNumber } from "@internal/lib/numbers";

const common = {
  name: { value: "LOCK", help: "the lock" },
  namespace: { value: "NAMESPACE", help: "default: default" },
  "service-account": { value: "NAME", help: "default: the lock's name" },
} as const;

export const renderRbacCommand = command({
  name: "render rbac",
  usage: "--name LOCK [OPTION…]",
  summary: "Prints the ServiceAccount, Role and RoleBinding that an election needs.",
  details: `With --minimal the pods cannot be looked at: a waiter then runs as soon as the lock is gone, even while a
deletion in the foreground leaves its leader running, and waits for garbage collection alone.`,
  options: { ...common, minimal: { help: "no rights on pods, none to delete a lock" } },
  examples: [
    { line: "kube-leader render rbac --name worker | kubectl apply -f -", does: "apply it" },
  ],
  run: async ({ values, io }) => {
    const { renderRbac } = await import("../render.ts");
    const { toYaml } = await import("../yaml.ts");
    await print(
      io.stdout,
      toYaml(renderRbac({ ...commonOf(values), minimal: values.minimal ?? false })),
    );
    return 0;
  },
});

export const renderDeploymentCommand = command({
  name: "render deployment",
  usage: "--name LOCK --image IMAGE [OPTION…] [-- COMMAND [ARG…]]",
  summary: "Prints a Deployment of which one pod leads and the others wait.",
  details: `Without a COMMAND the image's own ENTRYPOINT begins with kube-leader, and finds the lock's name in
KUBE_LEADER_NAME.`,
  passthrough: true,
  positionals: {},
  options: {
    ...common,
    image: { value: "IMAGE", help: "the container's image, with kube-leader in it" },
    replicas: { value: "N", help: "default: 2" },
    "health-port": { value: "PORT", help: "where COMMAND answers /healthz; adds the probes" },
  },
  examples: [
    {
      line: "kube-leader render deployment --name worker --image example.com/worker:1 -- node worker.js",
      does: "two replicas, one works",
    },
  ],
  run: async ({ values, positionals, io }) => {
    const { image } = values;
    if (!image) throw new UsageError("the image is missing; expected --image IMAGE");
    const command = positionals[0] === "--" ? positionals.slice(1) : positionals;
    const replicas = parseNumber("--replicas", values.replicas, {
      whole: true,
      from: 1,
      to: 1_000,
    });
    const healthPort = parseNumber("--health-port", values["health-port"], {
      whole: true,
      from: 1,
      to: 65_535,
    });
    if (healthPort !== undefined && command.length === 0) {
      throw new UsageError("--health-port: needs the COMMAND, expected -- COMMAND [ARG…]");
    }
    const { renderDeployment } = await import("../render.ts");
    const { toYaml } = await import("../yaml.ts");
    const deployment = renderDeployment({
      ...commonOf(values),
      image,
      ...(command.length === 0 ? {} : { command }),
      ...(replicas === undefined ? {} : { replicas }),
      ...(healthPort === undefined ? {} : { healthPort }),
    });
    await print(io.stdout, toYaml([deployment]));
    return 0;
  },
});

function commonOf(values: { name?: string; namespace?: string; "service-account"?: string }) {
  const { name, namespace, "service-account": serviceAccount } = values;
  if (!name) throw new UsageError("the lock has no name; expected --name LOCK");
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(serviceAccount === undefined ? {} : { serviceAccount }),
  };
}
