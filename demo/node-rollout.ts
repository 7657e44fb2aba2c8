import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { directNotification } from "@internal/test/aws/notifications";
import { group, startRolloutWorld } from "@internal/test/rollout-world";
import { type Demo, say, show } from "./show.ts";

export const demo: Demo = {
  name: "node-rollout",
  says: "an Auto Scaling group wants to terminate a node; it is emptied first, within its budgets",
  async run() {
    await using world = await startRolloutWorld();
    const folder = await mkdtemp(join(tmpdir(), "node-rollout-"));
    const { env } = world;
    try {
      const config = join(folder, "node-rollout.yaml");
      await writeFile(config, `queueUrl: ${world.queueUrl}\ngroups: [${group}]\n`);
      say("Node `old` runs four pods; their budget lets one go at a time. What would a drain do?");
      await show("node-rollout", ["drain", "old", "--dry-run"], { env });
      const [action] = world.aws.begin(group, "i-old");
      if (action === undefined) throw new Error("the group has no terminate hook");
      await world.send(directNotification(action));
      say(
        "The group now terminates instance i-old; its lifecycle hook holds it and tells a queue.",
      );
      await show("node-rollout", ["run", "--config", "node-rollout.yaml"], {
        env,
        cwd: folder,
        until: /i-old: drained/,
      });
      say(`The lifecycle action is ${action.state} with ${action.result}; the message is deleted.`);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};
