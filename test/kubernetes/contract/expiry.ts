import { expect, test } from "vitest";
import type { List } from "../reads.ts";
import { type Api, fresh } from "./api.ts";

const path = "/api/v1/{ns}/configmaps";

/**
 * What a client is told that comes from too far back.
 *
 * @param forget makes the server forget its history up to now
 */
export function expiryContract(api: () => Api, forget: () => Promise<void>): void {
  test("a watch from before gets one error, 410, and the end; a list of then is 410", async () => {
    const list = await api().get<List>(path);
    const version = list.body.metadata.resourceVersion;
    await api().post(path, { metadata: { name: fresh("forgotten") } });
    await forget();
    using watch = await api().watch(`${path}?watch=true&resourceVersion=${version}`);
    expect(await watch.next()).toMatchObject({
      type: "ERROR",
      object: { kind: "Status", status: "Failure", reason: "Expired", code: 410 },
    });
    expect(await watch.next()).toBeUndefined();
    const then = `resourceVersion=${version}&resourceVersionMatch=Exact`;
    expect(await api().get(`${path}?${then}`)).toMatchObject({
      code: 410,
      body: { reason: "Expired" },
    });
  });
}
