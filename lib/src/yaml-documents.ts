import { print } from "./formats.ts";

/** Prints objects as YAML documents, ready for `kubectl apply -f -`. */
export async function printYaml(
  stream: NodeJS.WritableStream,
  objects: readonly object[],
): Promise<void> {
  const { stringify } = await import("yaml");
  await print(stream, objects.map((each) => stringify(each, { lineWidth: 0 })).join("---\n"));
}
