import { expect, test } from "vitest";
import { type Api, fresh } from "./api.ts";

const path = "/api/v1/{ns}/configmaps";

/** Creating, reading and updating. */
export function objectsContract(api: () => Api): void {
  test("a created object has what the server adds, and exists from then on", async () => {
    const name = fresh("created");
    const { code, body } = await api().post(path, { metadata: { name }, data: { a: "b" } });
    expect(code).toBe(201);
    expect(body).toMatchObject({
      kind: "ConfigMap",
      apiVersion: "v1",
      metadata: {
        name,
        namespace: api().namespace,
        uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
        resourceVersion: expect.stringMatching(/^\d+$/),
        creationTimestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      },
      data: { a: "b" },
    });
    const found = await api().get(`${path}/${name}`);
    expect(found).toMatchObject({ code: 200, body: { metadata: { uid: body.metadata.uid } } });
    const again = await api().post(path, { metadata: { name } });
    expect(again.code).toBe(409);
    expect(again.body).toEqual({
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: `configmaps "${name}" already exists`,
      reason: "AlreadyExists",
      details: { name, kind: "configmaps" },
      code: 409,
    });
  });

  test("a dry run answers the same and stores nothing", async () => {
    const name = fresh("dry");
    const { code, body } = await api().post(`${path}?dryRun=All`, { metadata: { name } });
    expect([code, body.metadata.name]).toEqual([201, name]);
    expect((await api().get(`${path}/${name}`)).code).toBe(404);
  });

  test("a name is made from generateName, and one of the two is needed", async () => {
    const made = await api().post(path, { metadata: { generateName: "made-" } });
    expect(made.body.metadata.name).toMatch(/^made-.{5,}$/);
    const without = await api().post(path, { metadata: {} });
    expect(without.code).toBe(422);
    expect(without.body).toMatchObject({
      reason: "Invalid",
      message:
        'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
    });
    const bad = await api().post(path, { metadata: { name: "Upper_Case" } });
    expect(bad).toMatchObject({ code: 422, body: { reason: "Invalid" } });
  });

  test("what is not there is 404, with the group in its name", async () => {
    const core = await api().get(`${path}/nothing`);
    expect(core).toMatchObject({
      code: 404,
      body: {
        message: 'configmaps "nothing" not found',
        reason: "NotFound",
        details: { name: "nothing", kind: "configmaps" },
      },
    });
    const budget = await api().get("/apis/policy/v1/{ns}/poddisruptionbudgets/nothing");
    expect(budget).toMatchObject({
      code: 404,
      body: {
        message: 'poddisruptionbudgets.policy "nothing" not found',
        details: { name: "nothing", group: "policy", kind: "poddisruptionbudgets" },
      },
    });
    const nowhere = await api().post("/api/v1/namespaces/nowhere/configmaps", {
      metadata: { name: "a" },
    });
    expect(nowhere).toMatchObject({
      code: 404,
      body: { message: 'namespaces "nowhere" not found' },
    });
  });

  test("an update with an old version is a conflict, without a version it is not", async () => {
    const name = fresh("updated");
    const { body: first } = await api().post(path, { metadata: { name }, data: { v: "1" } });
    const second = await api().put(`${path}/${name}`, { ...first, data: { v: "2" } });
    expect(second.code).toBe(200);
    expect(second.body.metadata.resourceVersion).not.toBe(first.metadata.resourceVersion);
    const late = await api().put(`${path}/${name}`, { ...first, data: { v: "3" } });
    expect(late).toMatchObject({
      code: 409,
      body: {
        reason: "Conflict",
        message: `Operation cannot be fulfilled on configmaps "${name}": the object has been modified; please apply your changes to the latest version and try again`,
        details: { name, kind: "configmaps" },
      },
    });
    const blind = await api().put(`${path}/${name}`, { metadata: { name }, data: { v: "4" } });
    expect(blind).toMatchObject({ code: 200, body: { data: { v: "4" } } });
  });

  test("an update of another uid is a conflict", async () => {
    const name = fresh("uid");
    const { body } = await api().post(path, { metadata: { name } });
    const uid = "11111111-2222-3333-4444-555555555555";
    const other = await api().put(`${path}/${name}`, { metadata: { name, uid } });
    expect(other).toMatchObject({
      code: 409,
      body: {
        message: expect.stringContaining(
          `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${body.metadata.uid}`,
        ),
      },
    });
  });

  test("an update that changes nothing leaves the version", async () => {
    const name = fresh("same");
    const { body } = await api().post(path, { metadata: { name }, data: { v: "1" } });
    const same = await api().put(`${path}/${name}`, body);
    expect(same.body.metadata.resourceVersion).toBe(body.metadata.resourceVersion);
  });

  test("what may not change is refused", async () => {
    const pods = "/api/v1/{ns}/pods";
    const containers = [{ name: "main", image: "example.org/main" }];
    const pod = fresh("fixed");
    await api().post(pods, { metadata: { name: pod }, spec: { nodeName: "one", containers } });
    const moved = await api().patch("merge", `${pods}/${pod}`, { spec: { nodeName: "two" } });
    expect(moved).toMatchObject({ code: 422, body: { reason: "Invalid" } });
    const node = fresh("node");
    await api().post("/api/v1/nodes", { metadata: { name: node }, spec: { providerID: "a" } });
    const renamed = await api().patch("merge", `/api/v1/nodes/${node}`, {
      spec: { providerID: "b" },
    });
    expect(renamed).toMatchObject({
      code: 422,
      body: {
        message: expect.stringContaining(
          'spec.providerID: Forbidden: node updates may not change providerID except from "" to valid',
        ),
      },
    });
    await api().delete(`/api/v1/nodes/${node}`);
    await api().delete(`${pods}/${pod}?gracePeriodSeconds=0`);
  });

  test("the status is written apart from the rest", async () => {
    const pods = "/api/v1/{ns}/pods";
    const name = fresh("status");
    const containers = [{ name: "main", image: "example.org/main" }];
    const created = await api().post(pods, {
      metadata: { name },
      spec: { containers },
      status: { phase: "Running" },
    });
    expect(created.body).toMatchObject({
      spec: { terminationGracePeriodSeconds: 30, restartPolicy: "Always" },
      status: { phase: "Pending" },
    });
    const plain = await api().patch("merge", `${pods}/${name}`, { status: { phase: "Failed" } });
    expect(plain).toMatchObject({ code: 200, body: { status: { phase: "Pending" } } });
    const status = await api().patch("merge", `${pods}/${name}/status`, {
      spec: { nodeName: "x" },
      status: { phase: "Running" },
    });
    expect(status).toMatchObject({ code: 200, body: { status: { phase: "Running" } } });
    expect(status.body.spec?.["nodeName"]).toBeUndefined();
    await api().delete(`${pods}/${name}`);
  });
}
