import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { type Api, eventually, fresh, ownerOf, podBody } from "./api.ts";

const configMaps = "/api/v1/{ns}/configmaps";
const pods = "/api/v1/{ns}/pods";

/** Deletion: preconditions, grace, finalizers, and the collection of what belonged to the deleted. */
export function deletionContract(api: () => Api): void {
  const makeConfigMap = async (metadata: object = {}) => {
    const name = fresh("deleted");
    const { body } = await api().post(configMaps, { metadata: { name, ...metadata } });
    return { path: `${configMaps}/${name}`, body };
  };
  const makePod = async (more: Parameters<typeof podBody>[1] = {}) => {
    const name = fresh("deleted");
    const { body } = await api().post(pods, podBody(name, more));
    return { path: `${pods}/${name}`, body };
  };
  const force = (path: string) => api().delete(`${path}?gracePeriodSeconds=0`);
  const gone = (path: string) =>
    eventually(async () => expect((await api().get(path)).code).toBe(404));

  test("a deletion that leaves nothing is answered with a Status", async () => {
    const { path, body } = await makeConfigMap();
    const { name, uid } = body.metadata;
    expect(await api().delete(path)).toMatchObject({
      code: 200,
      body: { kind: "Status", status: "Success", details: { name, kind: "configmaps", uid } },
    });
    expect((await api().delete(path)).code).toBe(404);
  });

  test("a precondition that does not hold keeps the object", async () => {
    const { path, body } = await makeConfigMap();
    const { name, uid, resourceVersion } = body.metadata;
    const otherUid = await api().delete(path, { preconditions: { uid: "another" } });
    expect(otherUid).toMatchObject({
      code: 409,
      body: {
        reason: "Conflict",
        message: expect.stringContaining(
          `Operation cannot be fulfilled on ConfigMap "${name}": the UID in the precondition (another) does not match`,
        ),
        details: { name, kind: "ConfigMap" },
      },
    });
    expect(otherUid.body).toHaveProperty("message", expect.stringContaining(uid ?? "none"));
    const otherVersion = await api().delete(path, {
      preconditions: { uid, resourceVersion: "1" },
    });
    expect(otherVersion.code).toBe(409);
    expect((await api().get(path)).code).toBe(200);
    expect((await api().delete(path, { preconditions: { uid, resourceVersion } })).code).toBe(200);
  });

  test("a body without Content-Length is not read: its precondition saves nothing", async () => {
    const { path } = await makeConfigMap();
    const options = { preconditions: { uid: "another" } };
    expect((await api().delete(path, options, { withoutLength: true })).code).toBe(200);
    expect((await api().get(path)).code).toBe(404);
  });

  test("a pod on a node waits for its grace, which may be shortened, not lengthened", async () => {
    const { path } = await makePod();
    const first = await api().delete(path);
    expect(first).toMatchObject({
      code: 200,
      body: { kind: "Pod", metadata: { deletionGracePeriodSeconds: 30 } },
    });
    const marked = Date.parse(first.body.metadata.deletionTimestamp ?? "");
    expect(marked).toBeGreaterThan(Date.now() + 20_000);
    const longer = await api().delete(path, { gracePeriodSeconds: 60 });
    expect(longer.body.metadata.deletionGracePeriodSeconds).toBe(30);
    const shorter = await api().delete(path, { gracePeriodSeconds: 5 });
    expect(shorter.body.metadata.deletionGracePeriodSeconds).toBe(5);
    expect(Date.parse(shorter.body.metadata.deletionTimestamp ?? "")).toBe(marked - 25_000);
    const last = await force(path);
    expect(last).toMatchObject({ code: 200, body: { kind: "Pod" } });
    expect((await api().get(path)).code).toBe(404);
  });

  test("a pod that runs nowhere, or has ended, goes at once", async () => {
    const unbound = await makePod({ node: null });
    expect((await api().delete(unbound.path)).code).toBe(200);
    expect((await api().get(unbound.path)).code).toBe(404);
    const ended = await makePod();
    await api().patch("merge", `${ended.path}/status`, { status: { phase: "Succeeded" } });
    expect((await api().delete(ended.path)).code).toBe(200);
    expect((await api().get(ended.path)).code).toBe(404);
  });

  test("finalizers keep the object until the last one is off", async () => {
    const { path } = await makeConfigMap({ finalizers: ["test/hold"] });
    const marked = await api().delete(path);
    expect(marked).toMatchObject({ code: 200, body: { kind: "ConfigMap" } });
    expect(marked.body.metadata.deletionTimestamp).toBeDefined();
    expect((await api().get(path)).code).toBe(200);
    await api().patch("merge", path, { metadata: { finalizers: [] } });
    expect((await api().get(path)).code).toBe(404);
  });

  test("what a pod owned is collected when the pod is gone, not while it ends", async () => {
    const pod = await makePod();
    const owned = await makeConfigMap({ ownerReferences: [ownerOf(pod.body)] });
    await api().delete(pod.path);
    await sleep(300);
    expect((await api().get(owned.path)).code).toBe(200);
    await force(pod.path);
    await gone(owned.path);
  });

  test("an owner of another uid, or one that never was, is no owner", async () => {
    const pod = await makePod();
    const other = { ...ownerOf(pod.body), uid: "11111111-2222-3333-4444-555555555555" };
    const impostor = await makeConfigMap({ ownerReferences: [other] });
    await gone(impostor.path);
    const never = await makeConfigMap({ ownerReferences: [{ ...other, name: "never-was" }] });
    await gone(never.path);
    await force(pod.path);
  });

  test("an owner whose kind is misspelt is never found missing", async () => {
    const owner = { apiVersion: "v1", kind: "pods", name: "a", uid: "a" };
    const stuck = await makeConfigMap({ ownerReferences: [owner] });
    const collected = await makeConfigMap({ ownerReferences: [{ ...owner, kind: "Pod" }] });
    await gone(collected.path);
    expect((await api().get(stuck.path)).code).toBe(200);
  });

  test("with one owner alive the object stays, and loses the other", async () => {
    const [first, second] = [await makePod(), await makePod()];
    const ownerReferences = [ownerOf(first.body), ownerOf(second.body)];
    const { path } = await makeConfigMap({ ownerReferences });
    await force(first.path);
    await eventually(async () => {
      const { body } = await api().get(path);
      expect(body.metadata.ownerReferences).toEqual([ownerOf(second.body)]);
    });
    await force(second.path);
    await gone(path);
  });

  test("a foreground deletion takes the dependents while the pod still ends", async () => {
    const pod = await makePod();
    const owned = await makeConfigMap({ ownerReferences: [ownerOf(pod.body)] });
    // The collector reads pods and ConfigMaps from two watches: once it takes this one it knows of that one, too.
    const never = { ...ownerOf(pod.body), name: "never-was" };
    await gone((await makeConfigMap({ ownerReferences: [never] })).path);
    const marked = await api().delete(pod.path, { propagationPolicy: "Foreground" });
    expect(marked.body.metadata.finalizers).toEqual(["foregroundDeletion"]);
    await gone(owned.path);
    const left = await api().get(pod.path);
    expect(left.body.metadata).toMatchObject({ deletionGracePeriodSeconds: 30 });
    await force(pod.path);
    await gone(pod.path);
  });

  test("a foreground deletion waits for dependents that block it", async () => {
    const owner = await makeConfigMap();
    const reference = { ...ownerOf(owner.body, "ConfigMap"), blockOwnerDeletion: true };
    const held = await makeConfigMap({
      ownerReferences: [reference],
      finalizers: ["test/hold"],
    });
    await api().delete(owner.path, { propagationPolicy: "Foreground" });
    await eventually(async () => {
      const { body } = await api().get(held.path);
      expect(body.metadata.deletionTimestamp).toBeDefined();
    });
    expect((await api().get(owner.path)).code).toBe(200);
    await api().patch("merge", held.path, { metadata: { finalizers: [] } });
    await gone(owner.path);
    await gone(held.path);
  });

  test("an orphaning deletion lets the dependents go", async () => {
    const owner = await makeConfigMap();
    const owned = await makeConfigMap({ ownerReferences: [ownerOf(owner.body, "ConfigMap")] });
    await api().delete(owner.path, { propagationPolicy: "Orphan" });
    await gone(owner.path);
    const { code, body } = await api().get(owned.path);
    expect([code, body.metadata.ownerReferences ?? []]).toEqual([200, []]);
  });

  test("a namespace that ends takes nothing new and goes with all it held", async () => {
    const name = `${api().namespace}-ending`;
    const within = `/api/v1/namespaces/${name}/configmaps`;
    await api().post("/api/v1/namespaces", { metadata: { name } });
    await api().post(within, {
      metadata: { name: "held", finalizers: ["test/hold"] },
    });
    await api().delete(`/api/v1/namespaces/${name}`);
    const refused = await api().post(within, { metadata: { name: "late" } });
    expect(refused).toMatchObject({
      code: 403,
      body: {
        message: `configmaps "late" is forbidden: unable to create new content in namespace ${name} because it is being terminated`,
        details: { causes: [{ reason: "NamespaceTerminating" }] },
      },
    });
    await api().patch("merge", `${within}/held`, { metadata: { finalizers: [] } });
    await gone(`${within}/held`);
  });
}
