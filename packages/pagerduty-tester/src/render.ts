/** Kubernetes objects that run the tester, as plain objects. */
export interface RenderOptions {
  image: string;
  /** @default "pagerduty-tester" */
  name?: string;
}

const configPath = "/etc/pagerduty-tester/config.yaml";
const port = 9090;
const journalPath = "/var/lib/pagerduty-tester/journal";

/**
 * A daemon with its journal on a volume. With several replicas `kube-leader` stands in front, so that one of
 * them works, and the volume must be one that all of them can mount.
 */
export function renderDeployment(options: RenderOptions & { replicas?: number }): object[] {
  const { image, name = "pagerduty-tester", replicas = 1 } = options;
  const several = replicas > 1;
  const run = [
    "pagerduty-tester",
    "run",
    "--config",
    configPath,
    "--journal",
    journalPath,
    "--listen",
    `:${port}`,
  ];
  const container = {
    ...containerOf(name, image),
    // While a replica waits for the lock, kube-leader answers the probes in the tester's place.
    command: several
      ? ["kube-leader", "--name", name, "--health-port", `${port}`, "--", ...run]
      : run,
    ports: [{ name: "metrics", containerPort: port }],
    ...probes,
  };
  return [
    volumeClaim(name, several ? "ReadWriteMany" : "ReadWriteOnce"),
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name, labels: labels(name) },
      spec: {
        replicas,
        selector: { matchLabels: labels(name) },
        // The old one must be gone before the new one begins.
        ...(several ? {} : { strategy: { type: "Recreate" } }),
        template: {
          metadata: { labels: labels(name) },
          spec: {
            ...podOf(name, container),
            ...(several ? { serviceAccountName: name } : { automountServiceAccountToken: false }),
          },
        },
      },
    },
  ];
}

/** `run --once` every five minutes, which the catch-up window of ten minutes covers. */
export function renderCronJob({ image, name = "pagerduty-tester" }: RenderOptions): object[] {
  const run = [
    "pagerduty-tester",
    "run",
    "--once",
    "--config",
    configPath,
    "--journal",
    journalPath,
  ];
  return [
    volumeClaim(name, "ReadWriteOnce"),
    {
      apiVersion: "batch/v1",
      kind: "CronJob",
      metadata: { name, labels: labels(name) },
      spec: {
        schedule: "*/5 * * * *",
        concurrencyPolicy: "Forbid",
        jobTemplate: {
          spec: {
            // What failed is in the journal; the next one goes on from there.
            backoffLimit: 0,
            template: {
              metadata: { labels: labels(name) },
              spec: {
                ...podOf(name, { ...containerOf(name, image), command: run }),
                automountServiceAccountToken: false,
                restartPolicy: "Never",
              },
            },
          },
        },
      },
    },
  ];
}

const labels = (name: string) => ({ "app.kubernetes.io/name": name });

const probes = {
  livenessProbe: { httpGet: { path: "/healthz", port: "metrics" } },
  readinessProbe: { httpGet: { path: "/readyz", port: "metrics" } },
};

function containerOf(name: string, image: string) {
  return {
    name,
    image,
    // PAGERDUTY_TOKEN, SERVICE_ID, FROM_EMAIL and SUBDOMAIN.
    envFrom: [{ secretRef: { name } }],
    volumeMounts: [
      { name: "config", mountPath: "/etc/pagerduty-tester", readOnly: true },
      { name: "journal", mountPath: "/var/lib/pagerduty-tester" },
    ],
    resources: { requests: { cpu: "10m", memory: "96Mi" }, limits: { memory: "256Mi" } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
  };
}

function podOf(name: string, container: object) {
  return {
    // A request that creates an incident is finished before the process ends.
    terminationGracePeriodSeconds: 60,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 1000,
      fsGroup: 1000,
      seccompProfile: { type: "RuntimeDefault" },
    },
    containers: [container],
    volumes: [
      { name: "config", configMap: { name } },
      { name: "journal", persistentVolumeClaim: { claimName: `${name}-journal` } },
    ],
  };
}

function volumeClaim(name: string, mode: string): object {
  return {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name: `${name}-journal`, labels: labels(name) },
    spec: { accessModes: [mode], resources: { requests: { storage: "256Mi" } } },
  };
}
