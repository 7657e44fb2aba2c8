import { command } from "@internal/lib/command";
import { UsageError } from "@internal/lib/errors";
import { parseFormats, writeFormats } from "@internal/lib/formats";
import type { Io } from "@internal/lib/io";
import type { PortExplanation } from "../explain.ts";
import type { Service } from "../service.ts";
import { contextOf, noteTemplate } from "./options.ts";

export const explain = command({
  name: "explain",
  usage: "[OPTION…] PATH…|-|--cluster",
  summary: "Tells of every Service port which protocol Istio gives it, why, and what that means.",
  positionals: {},
  options: {
    cluster: { help: "the Services of a live cluster" },
    context: { value: "NAME", help: "with --cluster: a context of the kubeconfig" },
    "istio-version": { value: "V", help: "the release of Istio; the newest by default" },
    format: { value: "NAME[=FILE]", multiple: true, help: "text, json; to a file, or to stdout" },
  },
  examples: [
    { line: "istio-port-policy explain manifests/", does: "a table of the ports in a folder" },
    { line: "istio-port-policy explain --cluster", does: "of a live cluster" },
  ],
  async run({ values, positionals, signal, io }) {
    const requests = parseFormats(values.format ?? [], ["text", "json"]);
    if (positionals.length > 0 === (values.cluster === true)) {
      throw new UsageError("expected PATHs (- for the standard input), or --cluster alone");
    }
    const context = contextOf(values);
    const options = { istioVersion: values["istio-version"] };
    const { explainService } = await import("../explain.ts");
    const { toExplanation } = await import("../report/explanation.ts");
    explainService({ spec: { ports: [{}] } }, options); // a bad version is told before anything is read
    const ports: PortExplanation[] = [];
    let unreadable = 0;
    const services = values.cluster
      ? live(context, signal)
      : fromFiles(positionals, io, signal, () => unreadable++);
    for await (const service of services) {
      for (const port of explainService(service, options)) ports.push(port);
    }
    await writeFormats(
      requests,
      (name, { file }) =>
        name === "json"
          ? `${JSON.stringify(ports, undefined, 2)}\n`
          : toExplanation(ports, file === undefined ? io.stdout.columns : undefined),
      io,
    );
    return unreadable > 0 ? 2 : 0;
  },
});

async function* live(context: string | undefined, signal: AbortSignal): AsyncGenerator<Service> {
  const { readCluster } = await import("../cluster.ts");
  for await (const { service } of readCluster({ context, signal })) yield service;
}

async function* fromFiles(
  paths: string[],
  io: Io,
  signal: AbortSignal,
  onUnreadable: () => void,
): AsyncGenerator<Service> {
  const { readManifests } = await import("../input/read.ts");
  const stdin = io.stdin as AsyncIterable<string | Uint8Array>;
  for await (const event of readManifests(paths, { stdin, signal })) {
    if (event.type === "document") {
      for (const { service } of event.services) yield service;
    } else if (event.type === "unreadable") {
      onUnreadable();
      const { file, line, message } = event;
      const place = line === undefined ? file : `${file}:${line}`;
      io.stderr.write(`istio-port-policy: ${place}: ${message}\n`);
    } else if (event.type === "skipped") {
      noteTemplate(io, event.file, event.line);
    }
  }
}
