import { expect, test } from "vitest";
import { type Api, fresh } from "./api.ts";

const configMaps = "/api/v1/{ns}/configmaps";

/** The three kinds of patches. */
export function patchesContract(api: () => Api): void {
  const makeConfigMap = async () => {
    const name = fresh("patched");
    const metadata = { name, annotations: { "a/b": "1" } };
    await api().post(configMaps, { metadata, data: { a: "1", b: "2" } });
    return `${configMaps}/${name}`;
  };
  const makeNode = async () => {
    const name = fresh("patched");
    const taint = (key: string) => ({ key, effect: "NoSchedule" });
    const taints = ["one", "two", "three"].map(taint);
    await api().post("/api/v1/nodes", { metadata: { name }, spec: { taints } });
    return { path: `/api/v1/nodes/${name}`, taint };
  };
  const keysOf = (node: { spec?: Record<string, unknown> }) =>
    ((node.spec?.["taints"] ?? []) as { key: string }[]).map(({ key }) => key);

  test("a JSON patch applies whole or not at all", async () => {
    const path = await makeConfigMap();
    const done = await api().patch("json", path, [
      { op: "test", path: "/data/a", value: "1" },
      { op: "test", path: "/metadata/annotations/a~1b", value: "1" },
      { op: "replace", path: "/data/a", value: "9" },
      { op: "remove", path: "/data/b" },
      { op: "add", path: "/data/c", value: "3" },
    ]);
    expect(done).toMatchObject({ code: 200, body: { data: { a: "9", c: "3" } } });
    expect(done.body["data"]).not.toHaveProperty("b");
    const missed = await api().patch("json", path, [
      { op: "replace", path: "/data/c", value: "4" },
      { op: "test", path: "/data/a", value: "1" },
    ]);
    expect(missed).toMatchObject({
      code: 422,
      body: {
        reason: "Invalid",
        message: "the server rejected our request due to an error in our request",
      },
    });
    const absent = await api().patch("json", path, [{ op: "remove", path: "/data/nothing" }]);
    expect(absent.code).toBe(422);
    expect((await api().get(path)).body["data"]).toEqual({ a: "9", c: "3" });
  });

  test("a JSON patch that is an object is refused", async () => {
    const refused = await api().patch("json", await makeConfigMap(), { data: { a: "2" } });
    expect(refused).toMatchObject({ code: 400, body: { reason: "BadRequest" } });
  });

  test("a merge patch removes by null and guards by version", async () => {
    const path = await makeConfigMap();
    const before = await api().get(path);
    const { resourceVersion } = before.body.metadata;
    const merged = await api().patch("merge", path, {
      metadata: { resourceVersion },
      data: { a: null, c: "3" },
    });
    expect(merged).toMatchObject({ code: 200, body: { data: { b: "2", c: "3" } } });
    expect(merged.body["data"]).not.toHaveProperty("a");
    const late = await api().patch("merge", path, {
      metadata: { resourceVersion },
      data: { d: "4" },
    });
    expect(late).toMatchObject({ code: 409, body: { reason: "Conflict" } });
  });

  test("a patch of an unknown type is refused", async () => {
    const { code } = await api().patch("unknown" as "json", await makeConfigMap(), {});
    expect(code).toBe(415);
  });

  test("taints are one value: a merge replaces the whole list, strategic or not", async () => {
    const { path, taint } = await makeNode();
    const cordoned = await api().patch("strategic", path, { spec: { unschedulable: true } });
    expect(cordoned.body.spec).toMatchObject({ unschedulable: true });
    expect(keysOf(cordoned.body)).toEqual(expect.arrayContaining(["one", "two", "three"]));
    const replaced = await api().patch("strategic", path, { spec: { taints: [taint("four")] } });
    expect(keysOf(replaced.body)).not.toContain("one");
    expect(keysOf(replaced.body)).toContain("four");
    const byKey = await api().patch("strategic", path, {
      spec: { taints: [{ $patch: "delete", key: "four" }] },
    });
    expect(byKey.code).toBe(422);
    await api().delete(path);
  });

  test("a taint is taken off by a JSON patch that tests it", async () => {
    const { path } = await makeNode();
    const { body } = await api().get(path);
    const index = keysOf(body).indexOf("two");
    const remove = [
      { op: "test", path: `/spec/taints/${index}/key`, value: "two" },
      { op: "remove", path: `/spec/taints/${index}` },
    ];
    const removed = await api().patch("json", path, remove);
    expect(keysOf(removed.body)).toEqual(keysOf(body).filter((key) => key !== "two"));
    expect((await api().patch("json", path, remove)).code).toBe(422);
    await api().delete(path);
  });

  test("conditions are merged by their type", async () => {
    const { path } = await makeNode();
    const condition = (type: string, status: string) =>
      api().patch("strategic", `${path}/status`, { status: { conditions: [{ type, status }] } });
    await condition("KernelDeadlock", "False");
    await condition("DiskSick", "False");
    const { body } = await condition("KernelDeadlock", "True");
    const conditions = body.status?.["conditions"] as { type: string; status: string }[];
    expect(conditions.map(({ type, status }) => `${type}=${status}`)).toEqual(
      expect.arrayContaining(["KernelDeadlock=True", "DiskSick=False"]),
    );
    await api().delete(path);
  });

  test("finalizers are added to by a strategic merge, replaced by a plain one", async () => {
    const path = await makeConfigMap();
    const finalizers = (type: "strategic" | "merge", name: string) =>
      api().patch(type, path, { metadata: { finalizers: [name] } });
    await finalizers("strategic", "test/one");
    const two = await finalizers("strategic", "test/two");
    expect(two.body.metadata.finalizers?.toSorted()).toEqual(["test/one", "test/two"]);
    const one = await finalizers("merge", "test/three");
    expect(one.body.metadata.finalizers).toEqual(["test/three"]);
    await api().patch("merge", path, { metadata: { finalizers: null } });
  });
}
