import { isDeepStrictEqual } from "node:util";
import { isUnroutable } from "./check-service.ts";
import { bestEvidence } from "./evidence.ts";
import { hasLabel, isExempt, parseOptOutLabel } from "./exemptions.ts";
import { nodeAt, nodesOf, type YamlNode } from "./input/locate.ts";
import { BrokenDocument, parseDocument } from "./input/parse.ts";
import { type FoundService, isTemplated, resourcesOf } from "./input/resources.ts";
import { splitDocuments } from "./input/split.ts";
import { labelOf, type Service, viewOf } from "./service.ts";

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
}

/**
 * Adds `appProtocol` to the ports whose protocol Istio cannot tell, where the evidence says which it is. Every
 * other byte stays as it is, and what an edit would change besides is left alone.
 *
 * @param text a manifest: YAML or JSON, any number of documents
 */
export async function fixManifest(text: string): Promise<FixedManifest> {
  const ports: PortFix[] = [];
  let fixed = "";
  let taken = 0;
  for await (const document of splitDocuments([text])) {
    // What lies between two documents, a line of dots, belongs to none.
    const start = text.indexOf(document.text, taken);
    fixed += text.slice(taken, start) + fixDocument(document.text, ports);
    taken = start + document.text.length;
  }
  return { text: fixed + text.slice(taken), ports };
}

function fixDocument(text: string, ports: PortFix[]): string {
  let services: FoundService[];
  try {
    services = resourcesOf(parseDocument(text)).services;
  } catch (error) {
    if (error instanceof BrokenDocument) return text;
    throw error;
  }
  return services
    .filter(({ service }) => !isTemplated(service) && !isExempt(service) && !hasOptedOut(service))
    .reduce((fixed, found) => fixService(fixed, found, ports), text);
}

function hasOptedOut({ metadata }: Service): boolean {
  return hasLabel(metadata?.labels, parseOptOutLabel());
}

function fixService(text: string, { service, path }: FoundService, ports: PortFix[]): string {
  const view = viewOf(service);
  const { namespace, name, external } = view;
  let fixed = text;
  for (const [index, port] of view.ports.entries()) {
    if (!isUnroutable({ external }, port)) continue;
    const about = { namespace, service: name, port: labelOf(port) };
    const evidence = bestEvidence(port);
    const edited =
      evidence && withAppProtocol(fixed, [...path, "spec", "ports", index], evidence.appProtocol);
    if (external) ports.push({ ...about, reason: "an ExternalName Service needs no ports" });
    else if (typeof port.appProtocol === "string") {
      ports.push({ ...about, reason: "its appProtocol is its author's word; correct it by hand" });
    } else if (evidence === undefined) {
      ports.push({ ...about, reason: "nothing says which protocol it speaks" });
    } else if (edited === undefined) {
      ports.push({ ...about, reason: "it cannot be edited without changing something else" });
    } else {
      fixed = edited;
      ports.push({ ...about, ...evidence });
    }
  }
  return fixed;
}

/** The text with the field in the mapping at `path`, or undefined when that is not all that would change. */
function withAppProtocol(
  text: string,
  path: (string | number)[],
  appProtocol: string,
): string | undefined {
  const edited = insert(text, nodeAt(nodesOf(text), path), appProtocol);
  if (edited === undefined) return undefined;
  // A copy without shared parts: an anchor that stands elsewhere too would change there as well.
  const expected = JSON.parse(JSON.stringify(parseDocument(text)));
  const port = path.reduce((value, step) => value?.[step], expected);
  if (typeof port !== "object" || port === null || "appProtocol" in port) return undefined;
  port.appProtocol = appProtocol;
  try {
    const actual = JSON.parse(JSON.stringify(parseDocument(edited)));
    return isDeepStrictEqual(actual, expected) ? edited : undefined;
  } catch (error) {
    if (error instanceof BrokenDocument) return undefined;
    throw error;
  }
}

/** Puts the field behind the port's name, or its number, in the style of the mapping it goes into. */
function insert(text: string, port: YamlNode, appProtocol: string): string | undefined {
  const after =
    port.entries?.find(({ key }) => key === "name") ??
    port.entries?.find(({ key }) => key === "port");
  const end = after?.value.end;
  if (after === undefined || end === undefined) return undefined;
  const lineStart = text.lastIndexOf("\n", after.keyStart - 1) + 1;
  const before = text.slice(lineStart, after.keyStart);
  if (text[port.start] !== "{") {
    const lineEnd = /\r?\n|$/.exec(text.slice(end))?.index ?? 0;
    const eol = text.includes("\r\n") ? "\r\n" : "\n";
    const line = `${eol}${" ".repeat(before.length)}appProtocol: ${appProtocol}`;
    return text.slice(0, end + lineEnd) + line + text.slice(end + lineEnd);
  }
  const json = text[after.keyStart] === '"';
  const field = json ? `"appProtocol": "${appProtocol}"` : `appProtocol: ${appProtocol}`;
  const ownLine = lineStart > port.start && before.trim() === "";
  const eol = text.slice(0, lineStart).endsWith("\r\n") ? "\r\n" : "\n";
  return `${text.slice(0, end)},${ownLine ? `${eol}${before}` : " "}${field}${text.slice(end)}`;
}
