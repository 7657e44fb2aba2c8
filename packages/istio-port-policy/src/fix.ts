import { createChecker } from "./check-service.ts";
import { addAppProtocols } from "./edit.ts";
import { bestEvidence } from "./evidence.ts";
import type { CheckOptions } from "./finding.ts";
import { readDocument } from "./input/read.ts";
import type { FoundService } from "./input/resources.ts";
import { splitDocuments } from "./input/split.ts";
import type { Addition } from "./insertion.ts";
import { labelOf, viewOf } from "./service.ts";

/** One port that was mended, or why it was left alone. */
export interface PortFix {
  namespace: string;
  service: string;
  /** `4317 "otlp-grpc"` */
  port: string;
  /** What was added; none when the port was left alone. */
  appProtocol?: string;
  /** The evidence for it, or why it was left alone. */
  reason: string;
}

/** A manifest with its ports mended. */
export interface FixedManifest {
  text: string;
  ports: PortFix[];
  /** Documents that are no YAML, and those a template engine has still to fill in; both stay as they are. */
  unreadable: { line: number; message: string }[];
  templates: { line: number }[];
}

export interface FixOptions extends Pick<CheckOptions, "optOutLabel"> {
  /** The labels of Namespaces that stand in other manifests, by name. */
  namespaces?: ReadonlyMap<string, Record<string, string>> | undefined;
}

/**
 * Adds `appProtocol` to the ports that a check would report, where the evidence says which it is. Every other
 * byte stays as it is, and what an edit would change besides is left alone.
 *
 * @param text a manifest: YAML or JSON, any number of documents
 * @throws PolicyError (`OPT_OUT_LABEL`)
 */
export async function fixManifest(text: string, options: FixOptions = {}): Promise<FixedManifest> {
  const check = createChecker({ optOutLabel: options.optOutLabel });
  const namespaces = new Map(options.namespaces);
  const fixed: FixedManifest = { text: "", ports: [], unreadable: [], templates: [] };
  const documents: { text: string; services: FoundService[] }[] = [];
  for await (const document of splitDocuments([text])) {
    const services: FoundService[] = [];
    for (const event of readDocument("", false, document)) {
      if (event.type === "document") {
        services.push(...event.services);
        for (const { name, labels } of event.namespaces) namespaces.set(name, labels);
      } else if (event.type === "skipped") fixed.templates.push({ line: event.line });
      else fixed.unreadable.push({ line: event.line ?? document.line, message: event.message });
    }
    documents.push({ text: document.text, services });
  }
  let taken = 0;
  for (const document of documents) {
    // Blank lines between two documents belong to none.
    const start = text.indexOf(document.text, taken);
    const plans = document.services.flatMap((found) => planService(found, check, namespaces));
    fixed.text += text.slice(taken, start) + carryOut(plans, document.text, fixed.ports);
    taken = start + document.text.length;
  }
  fixed.text += text.slice(taken);
  return fixed;
}

/** What is to become of one port. */
interface Plan {
  fix: PortFix;
  addition?: Addition;
}

function planService(
  { service, path }: FoundService,
  check: ReturnType<typeof createChecker>,
  namespaces: ReadonlyMap<string, Record<string, string>>,
): Plan[] {
  const { namespace, name, external, ports } = viewOf(service);
  return check(service, namespaces.get(namespace))
    .filter(({ severity }) => severity === "error")
    .map(({ port: { index } }) => {
      const port = ports[index] ?? {};
      const about = { namespace, service: name, port: labelOf(port) };
      const leave = (reason: string) => ({ fix: { ...about, reason } });
      if (external) return leave("an ExternalName Service needs no ports");
      if (typeof port.appProtocol === "string") {
        return leave("its appProtocol is its author's word; correct it by hand");
      }
      const evidence = bestEvidence(port);
      if (evidence === undefined) return leave("nothing says which protocol it speaks");
      const { appProtocol } = evidence;
      const addition = { path: [...path, "spec", "ports", index], appProtocol };
      return { fix: { ...about, ...evidence }, addition };
    });
}

/** Edits one document and says of each port what became of it. */
function carryOut(plans: Plan[], text: string, ports: PortFix[]): string {
  const additions = plans.flatMap(({ addition }) => addition ?? []);
  const edited = addAppProtocols(text, additions);
  for (const { fix, addition } of plans) {
    const { appProtocol, ...left } = fix;
    const done = addition === undefined || edited.added.has(addition);
    const reason = "it cannot be edited without changing something else";
    ports.push(done ? fix : { ...left, reason });
  }
  return edited.text;
}
