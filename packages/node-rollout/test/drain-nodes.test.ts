import { startRolloutWorld } from "@internal/test/rollout-world";
import { expect, test } from "vitest";
import { drainNodes } from "../src/drain/nodes.ts";
import { createKubernetes } from "../src/kubernetes/http.ts";

test("several drains can be left while one waits: nothing is rejected behind the caller's back", async () => {
  await using world = await startRolloutWorld();
  const { url: server, ca, token } = world.kubernetes;
  const kubernetes = createKubernetes({
    ...{ server, tls: ca === undefined ? {} : { ca } },
    headers: async () => ({ authorization: `Bearer ${token}` }),
  });
  const rejections: unknown[] = [];
  const heard = (reason: unknown) => rejections.push(reason);
  process.on("unhandledRejection", heard);
  const types: string[] = [];
  for await (const { progress } of drainNodes({ kubernetes, nodes: ["old", "new"] })) {
    types.push(progress.type);
    if (progress.type === "waiting") break;
  }
  await new Promise(setImmediate);
  process.off("unhandledRejection", heard);
  expect(types.at(-1)).toBe("waiting");
  expect(rejections).toEqual([]);
});
