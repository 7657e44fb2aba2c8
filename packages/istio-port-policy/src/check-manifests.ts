import { createChecker } from "./check-service.ts";
import { hasLabel, parseOptOutLabel } from "./exemptions.ts";
import type { CheckOptions, CheckReport, PortFinding } from "./finding.ts";
import { Locator } from "./input/locate.ts";
import { type ReadEvent, readManifests } from "./input/read.ts";
import type { Service } from "./service.ts";

export interface CheckManifestsOptions extends CheckOptions {
  /** What the path `-` reads. @default process.stdin */
  stdin?: AsyncIterable<string | Uint8Array> | undefined;
  /** Called for a file that holds a template (Helm's `{{`) in place of a Service; it was not checked there. */
  onTemplate?: ((file: string, line: number) => void) | undefined;
  /** Called with the source line of each finding that has a place. */
  onSource?: ((finding: PortFinding, line: string) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Checks every Service in files, folders, globs and the standard input (`-`).
 *
 * What cannot be read is in the report, and everything else is checked all the same. Labels of Namespace
 * documents among the manifests count for the opt-out, wherever they stand.
 *
 * @throws PolicyError for an option that cannot be meant
 */
export async function checkManifests(
  paths: readonly string[],
  options: CheckManifestsOptions = {},
): Promise<CheckReport> {
  const optOut = parseOptOutLabel(options.optOutLabel);
  const check = createChecker(options);
  const report: CheckReport = {
    findings: [],
    checked: { files: 0, services: 0, ports: 0 },
    unreadable: [],
  };
  const optedOut = new Set<string>();
  for await (const event of readManifests(paths, options)) {
    take(event, report, check, options);
    if (event.type !== "document") continue;
    for (const { name, labels } of event.namespaces) {
      if (hasLabel(labels, optOut)) optedOut.add(name);
    }
  }
  report.findings = report.findings.filter(({ namespace }) => !optedOut.has(namespace));
  return report;
}

type Checker = ReturnType<typeof createChecker>;

function take(
  event: ReadEvent,
  report: CheckReport,
  check: Checker,
  options: CheckManifestsOptions,
): void {
  switch (event.type) {
    case "file":
      report.checked.files++;
      return;
    case "skipped":
      options.onTemplate?.(event.file, event.line);
      return;
    case "unreadable": {
      const { type, ...unreadable } = event;
      report.unreadable.push(unreadable);
      return;
    }
    case "document":
      checkDocument(event, report, check, options);
  }
}

function checkDocument(
  { file, text, services }: Extract<ReadEvent, { type: "document" }>,
  report: CheckReport,
  check: Checker,
  options: CheckManifestsOptions,
): void {
  const locator = new Locator(text.text);
  for (const { service, path } of services) {
    report.checked.services++;
    report.checked.ports += service.spec?.ports?.length ?? 0;
    for (const found of check(service)) {
      const finding: PortFinding = { ...detached(found), file };
      const place = locator.place([...path, ...pathOf(finding, service)]);
      if (place !== undefined) {
        finding.line = text.line + place.line - 1;
        finding.column = place.line === 1 ? text.column + place.column - 1 : place.column;
        // Of the line that an item of a large List begins in, its source is only a part.
        const isWhole = place.line > 1 || text.column === 1;
        if (isWhole) options.onSource?.(finding, structuredClone(place.source));
      }
      report.findings.push(finding);
    }
  }
}

/**
 * A finding whose texts are its own: V8 makes a part of a text point into the whole, and would keep every file in
 * memory. The other texts are constants, which all findings share.
 */
function detached(finding: PortFinding): PortFinding {
  const { message, suggestion, namespace, service, port } = finding;
  const own = structuredClone({ message, namespace, service, port });
  return {
    ...finding,
    ...own,
    ...(suggestion === undefined ? {} : { suggestion: structuredClone(suggestion) }),
  };
}

/** The field that a finding is about: the one that Istio went by. */
function pathOf({ rule, port: { index } }: PortFinding, { spec }: Service): (string | number)[] {
  const port = spec?.ports?.[index];
  const field = rule === "istio" && typeof port?.appProtocol === "string" ? "appProtocol" : "name";
  return ["spec", "ports", index, field];
}
