import { beforeAll, expect, test } from "vitest";
import type { KubeObject } from "../objects.ts";
import type { List } from "../reads.ts";
import { type Api, fresh } from "./api.ts";

const path = "/api/v1/{ns}/configmaps";

function namesOf({ items }: List): string[] {
  return (items as KubeObject[]).map(({ metadata }) => metadata.name);
}

/** Lists, selectors and pages. */
export function listsContract(api: () => Api): void {
  beforeAll(async () => {
    const labels: Record<string, object> = {
      "list-a": { app: "web", tier: "front" },
      "list-b": { app: "web", tier: "back" },
      "list-c": { app: "db" },
      "list-d": {},
    };
    for (const [name, given] of Object.entries(labels)) {
      await api().post(path, { metadata: { name, labels: { list: "yes", ...given } } });
    }
  });
  const select = (selector: string) =>
    api().get<List>(`${path}?labelSelector=${encodeURIComponent(`list,${selector}`)}`);

  test("a list has a kind and a version, its items have no kind of their own", async () => {
    const { code, body } = await api().get<List>(`${path}?labelSelector=list`);
    expect(code).toBe(200);
    expect(body).toMatchObject({
      kind: "ConfigMapList",
      apiVersion: "v1",
      metadata: { resourceVersion: expect.stringMatching(/^\d+$/) },
    });
    expect(namesOf(body)).toEqual(["list-a", "list-b", "list-c", "list-d"]);
    expect(body.items[0]).not.toHaveProperty("kind");
  });

  test.each([
    ["app=web", ["list-a", "list-b"]],
    ["app==web,tier!=back", ["list-a"]],
    ["app!=web", ["list-c", "list-d"]],
    ["app in (web, db),tier", ["list-a", "list-b"]],
    ["app notin (web)", ["list-c", "list-d"]],
    ["!tier", ["list-c", "list-d"]],
  ])("the label selector %s", async (selector, names) => {
    expect(namesOf((await select(selector)).body)).toEqual(names);
  });

  test("a label selector that cannot be read is refused", async () => {
    expect(await select("a==b==c")).toMatchObject({ code: 400, body: { reason: "BadRequest" } });
  });

  test("field selectors find by name, by node and by phase; others are refused", async () => {
    const named = await api().get<List>(`${path}?fieldSelector=metadata.name%3Dlist-b`);
    expect(namesOf(named.body)).toEqual(["list-b"]);
    const name = fresh("selected");
    const containers = [{ name: "main", image: "example.org/main" }];
    await api().post("/api/v1/{ns}/pods", {
      metadata: { name },
      spec: { nodeName: "selected-node", containers },
    });
    const pods = (selector: string) =>
      api().get<List>(`/api/v1/pods?fieldSelector=${encodeURIComponent(selector)}`);
    const here = `metadata.namespace=${api().namespace},spec.nodeName=selected-node`;
    expect(namesOf((await pods(here)).body)).toEqual([name]);
    expect(namesOf((await pods(`${here},status.phase!=Pending`)).body)).toEqual([]);
    await api().delete(`/api/v1/{ns}/pods/${name}?gracePeriodSeconds=0`);
    const nodes = await api().get("/api/v1/nodes?fieldSelector=spec.providerID%3Dx");
    expect(nodes).toMatchObject({
      code: 400,
      body: { message: expect.stringContaining("field label not supported: spec.providerID") },
    });
  });

  test("pages show one moment, whatever happens between them", async () => {
    const page = (more: string) => api().get<List>(`${path}?labelSelector=list&limit=3${more}`);
    const { body: first } = await page("");
    expect(namesOf(first)).toEqual(["list-a", "list-b", "list-c"]);
    await api().post(path, { metadata: { name: "list-e", labels: { list: "yes" } } });
    const { body: last } = await page(`&continue=${first.metadata.continue}`);
    expect(namesOf(last)).toEqual(["list-d"]);
    expect(last.metadata.continue).toBeUndefined();
    expect(last.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    await api().delete(`${path}/list-e`);
    const { body: all } = await api().get<List>(`${path}?limit=1`);
    expect(all.metadata.remainingItemCount).toBeGreaterThan(0);
    expect((await page("&continue=nonsense")).code).toBe(400);
  });

  test("a list of an exact version shows that moment", async () => {
    const name = fresh("exact");
    const { body: before } = await api().get<List>(path);
    await api().post(path, { metadata: { name } });
    const at = `resourceVersion=${before.metadata.resourceVersion}`;
    const exact = await api().get<List>(`${path}?${at}&resourceVersionMatch=Exact`);
    expect(namesOf(exact.body)).toEqual(namesOf(before));
    const since = await api().get<List>(`${path}?${at}&resourceVersionMatch=NotOlderThan`);
    expect(namesOf(since.body)).toContain(name);
  });
}
