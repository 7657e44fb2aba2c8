/** What the API server's objects have, as far as the election looks at them. */
export interface Metadata {
  name: string;
  uid: string;
  resourceVersion: string;
  creationTimestamp: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: { apiVersion: string; kind: string; name: string; uid: string }[];
}

interface ContainerStatus {
  state?: { running?: object };
}

export interface Pod {
  metadata: Metadata;
  status?: {
    phase?: string;
    containerStatuses?: ContainerStatus[];
    initContainerStatuses?: ContainerStatus[];
    ephemeralContainerStatuses?: ContainerStatus[];
  };
}

export interface ConfigMap {
  metadata: Metadata;
  data?: object;
  binaryData?: object;
}

/** Whether a pod will never run anything again, although its object is still there. */
export function isFinished({ status = {} }: Pod): boolean {
  const { phase, containerStatuses, initContainerStatuses, ephemeralContainerStatuses } = status;
  if (phase !== "Succeeded" && phase !== "Failed") return false;
  // The pod garbage collector fails pods of a lost node whose containers may still run.
  return [containerStatuses, initContainerStatuses, ephemeralContainerStatuses].every((statuses) =>
    (statuses ?? []).every(({ state }) => state?.running === undefined),
  );
}

/** Whether a pod was asked to end, or is said to have ended: it must not begin to lead. */
export function isOver({ metadata, status }: Pod): boolean {
  const isTerminal = status?.phase === "Succeeded" || status?.phase === "Failed";
  return metadata.deletionTimestamp !== undefined || isTerminal;
}

/** Whether a pod was asked to end and has not yet. */
export function isEnding(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp !== undefined && !isFinished(pod);
}
