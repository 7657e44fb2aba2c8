import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe } from "vitest";
import { accessContract } from "./contract/access.ts";
import { type Api, makeApi, type Subject } from "./contract/api.ts";
import { deletionContract } from "./contract/deletion.ts";
import { evictionContract } from "./contract/eviction.ts";
import { expiryContract } from "./contract/expiry.ts";
import { listsContract } from "./contract/lists.ts";
import { objectsContract } from "./contract/objects.ts";
import { patchesContract } from "./contract/patches.ts";
import { watchesContract } from "./contract/watches.ts";

/**
 * What our packages may rely on in a Kubernetes API, held against the fake and the real server in the same
 * words. Pods are bound to a node that is not there: the tests stand in for the kubelet.
 */
export function describeContract(connect: () => Promise<Subject>): void {
  const api = inNamespace(connect);
  describe("objects", () => objectsContract(api));
  describe("lists", () => listsContract(api));
  describe("watches", () => watchesContract(api));
  describe("patches", () => patchesContract(api));
  describe("deletion", () => deletionContract(api));
  describe("eviction", () => evictionContract(api));
  describe("access", () => accessContract(api));
}

/** The part of the contract that needs a server whose history the test may throw away. */
export function describeExpiry(connect: () => Promise<Subject>, forget: () => Promise<void>): void {
  expiryContract(inNamespace(connect), forget);
}

/** Connects before the tests and gives them a namespace of their own. */
function inNamespace(connect: () => Promise<Subject>): () => Api {
  let connected: Api | undefined;
  beforeAll(async () => {
    const namespace = `contract-${randomBytes(3).toString("hex")}`;
    connected = makeApi(await connect(), namespace);
    await connected.post("/api/v1/namespaces", { metadata: { name: namespace } });
  });
  afterAll(async () => {
    await connected?.delete(`/api/v1/namespaces/${connected.namespace}`);
  });
  return () => {
    if (connected === undefined) throw new Error("not connected");
    return connected;
  };
}
