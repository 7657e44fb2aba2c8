import { expect, test } from "vitest";
import type { List } from "../reads.ts";
import { type Api, fresh, type WatchEvent } from "./api.ts";

const path = "/api/v1/{ns}/configmaps";

function short(event: WatchEvent | undefined): string {
  return event === undefined ? "end" : `${event.type} ${event.object.metadata.name}`;
}

async function versionOf(api: Api): Promise<string> {
  return (await api.get<List>(path)).body.metadata.resourceVersion;
}

/** Watches. */
export function watchesContract(api: () => Api): void {
  test("a watch from a list's version shows all that came after, also of an absent object", async () => {
    const name = fresh("watched");
    const version = await versionOf(api());
    const before = await api().post(path, { metadata: { name } });
    const only = `fieldSelector=metadata.name%3D${name}`;
    using watch = await api().watch(`${path}?watch=true&resourceVersion=${version}&${only}`);
    expect(short(await watch.next())).toBe(`ADDED ${name}`);
    await api().post(path, { metadata: { name: fresh("another") } });
    await api().patch("merge", `${path}/${name}`, { data: { a: "b" } });
    const modified = await watch.next();
    expect(modified).toMatchObject({
      type: "MODIFIED",
      object: { kind: "ConfigMap", apiVersion: "v1", data: { a: "b" } },
    });
    await api().delete(`${path}/${name}`);
    const deleted = await watch.next();
    expect(deleted).toMatchObject({
      type: "DELETED",
      object: { metadata: { uid: before.body.metadata.uid }, data: { a: "b" } },
    });
    const versions = [modified, deleted].map((event) => event?.object.metadata.resourceVersion);
    expect(Number(versions[1])).toBeGreaterThan(Number(versions[0]));
  });

  test("a watch without a version begins with what is there", async () => {
    const name = fresh("present");
    await api().post(path, { metadata: { name, labels: { watch: name } } });
    using watch = await api().watch(`${path}?watch=1&labelSelector=watch%3D${name}`);
    expect(short(await watch.next())).toBe(`ADDED ${name}`);
  });

  test("an object that comes into the selector's reach is added, one that leaves it is deleted", async () => {
    const name = fresh("moving");
    const version = await versionOf(api());
    using watch = await api().watch(
      `${path}?watch=true&resourceVersion=${version}&labelSelector=moving%3Dyes`,
    );
    await api().post(path, { metadata: { name } });
    const labelled = (value: string | null) =>
      api().patch("merge", `${path}/${name}`, { metadata: { labels: { moving: value } } });
    await labelled("yes");
    expect(short(await watch.next())).toBe(`ADDED ${name}`);
    const { body } = await labelled(null);
    expect(await watch.next()).toMatchObject({
      type: "DELETED",
      object: { metadata: { name, resourceVersion: body.metadata.resourceVersion } },
    });
  });

  test("initial events end with a marked bookmark", async () => {
    const name = fresh("initial");
    await api().post(path, { metadata: { name, labels: { initial: name } } });
    using watch = await api().watch(
      `${path}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&labelSelector=initial%3D${name}`,
    );
    expect(short(await watch.nextOfAny())).toBe(`ADDED ${name}`);
    const bookmark = await watch.nextOfAny();
    expect(bookmark).toMatchObject({
      type: "BOOKMARK",
      object: {
        kind: "ConfigMap",
        metadata: { annotations: { "k8s.io/initial-events-end": "true" } },
      },
    });
    const version = bookmark?.object.metadata.resourceVersion ?? "";
    await api().post(path, { metadata: { name: `${name}-b`, labels: { initial: name } } });
    const next = await watch.next();
    expect(short(next)).toBe(`ADDED ${name}-b`);
    expect(Number(next?.object.metadata.resourceVersion)).toBeGreaterThan(Number(version));
  });

  test("a watch ends by itself when its seconds are over", async () => {
    using watch = await api().watch(
      `${path}?watch=true&resourceVersion=${await versionOf(api())}&timeoutSeconds=1`,
    );
    expect(await watch.next()).toBeUndefined();
  });
}
