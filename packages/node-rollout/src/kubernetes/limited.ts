import type { Kubernetes } from "./kubernetes.ts";
import type { TokenBucket } from "./token-bucket.ts";

/** The same Kubernetes, its requests taken from a shared rate in the name of `key`, a node for instance. */
export function limited(kubernetes: Kubernetes, bucket: TokenBucket, key: string): Kubernetes {
  return {
    async request<T>(request: Parameters<Kubernetes["request"]>[0]): Promise<T> {
      await bucket.take(key, request.signal ?? undefined);
      return kubernetes.request<T>(request);
    },
    async *watch(request) {
      await bucket.take(key, request.signal ?? undefined);
      yield* kubernetes.watch(request);
    },
  };
}
