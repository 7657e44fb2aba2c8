import { UsageError } from "@internal/lib/errors";
import type { Config } from "../config.ts";

/** Options that every `render` of Kubernetes objects has. */
export const renderOptions = {
  config: { value: "FILE", help: "the daemon's configuration; asks for what it needs, no more" },
  namespace: { value: "NAME", help: "where the daemon runs, default kube-system" },
  name: { value: "NAME", help: "of every object, default node-rollout" },
} as const;

/** The options of where and as what the daemon runs, as far as they are given. */
export function placeOf({ namespace, name }: { namespace?: string; name?: string }) {
  return {
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
  };
}

/** The configuration that `--config` names, checked, and its text. */
export async function configOf(
  file: string | undefined,
): Promise<{ config: Config; text: string } | undefined> {
  if (file === undefined) return undefined;
  const { readConfig } = await import("@internal/lib/yaml-config");
  const { configSchema } = await import("../config.ts");
  const { readFile } = await import("node:fs/promises");
  const { value } = await readConfig(file, configSchema);
  return { config: value, text: await readFile(file, "utf8") };
}

export function imageOf({ image }: { image?: string }): string {
  if (!image) throw new UsageError("the image is missing; expected --image IMAGE");
  return image;
}
