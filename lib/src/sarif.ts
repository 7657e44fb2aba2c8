import { pathToFileURL } from "node:url";
import type { Place } from "./errors.ts";

/** One finding of a checker, as code scanning services take it. */
export interface SarifResult {
  /** The id of a rule; it is shown and may be filtered by. */
  rule: string;
  level: "error" | "warning" | "note";
  message: string;
  /** Where in which file; services show nothing that has no file. */
  place?: Place;
  /** What it is about, `Deployment shop/web`, for findings in a live system and beside the place. */
  subject?: string;
}

/**
 * Renders findings as SARIF 2.1.0 (OASIS).
 *
 * @param options.tool the checker's name and version
 * @param options.rules what each rule is about, by its id; columns count UTF-16 code units
 */
export function renderSarif(options: {
  tool: { name: string; version: string };
  rules: Readonly<Record<string, string>>;
  results: readonly SarifResult[];
  /** What could not be looked at, so that a log without results is not taken for a good one. */
  failures?: readonly { message: string; place: Place }[];
}): string {
  const { tool, rules, results, failures } = options;
  const ids = Object.keys(rules);
  const log = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            ...tool,
            rules: ids.map((id) => ({ id, shortDescription: { text: rules[id] } })),
          },
        },
        columnKind: "utf16CodeUnits",
        ...(failures === undefined ? {} : { invocations: [invocationOf(failures)] }),
        results: results.map(({ rule, level, message, place, subject }) => ({
          ruleId: rule,
          ...(ids.includes(rule) ? { ruleIndex: ids.indexOf(rule) } : {}),
          level,
          message: { text: message },
          locations: locationsOf(place, subject),
        })),
      },
    ],
  };
  return `${JSON.stringify(log, undefined, 2)}\n`;
}

function invocationOf(failures: readonly { message: string; place: Place }[]): object {
  return {
    executionSuccessful: failures.length === 0,
    toolExecutionNotifications: failures.map(({ message, place }) => ({
      level: "error",
      message: { text: message },
      locations: locationsOf(place, undefined),
    })),
  };
}

function locationsOf(place: Place | undefined, subject: string | undefined): object[] {
  if (place === undefined && subject === undefined) return [];
  return [
    {
      ...(place === undefined ? {} : { physicalLocation: physicalLocationOf(place) }),
      ...(subject === undefined ? {} : { logicalLocations: [{ fullyQualifiedName: subject }] }),
    },
  ];
}

function physicalLocationOf({ file, line, column }: Place): object {
  return {
    artifactLocation: { uri: uriOf(file) },
    ...(line === undefined
      ? {}
      : { region: { startLine: line, ...(column === undefined ? {} : { startColumn: column }) } }),
  };
}

/** A relative path stays relative: services resolve it against the repository's root. */
function uriOf(file: string): string {
  if (file.startsWith("/")) return pathToFileURL(file).href;
  const path = file.replaceAll("\\", "/").replace(/^\.\//, "");
  return path.split("/").map(encodeURIComponent).join("/");
}
