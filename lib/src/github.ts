/** A remark that GitHub shows beside the lines of a pull request. */
export interface Annotation {
  level: "error" | "warning" | "notice";
  file?: string | undefined;
  line?: number | undefined;
  endLine?: number | undefined;
  col?: number | undefined;
  title: string;
  message: string;
}

/** Renders an annotation as a workflow command, one line without its end. */
export function renderAnnotation({ level, message, ...properties }: Annotation): string {
  const given = Object.entries(properties)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${escapeProperty(String(value))}`);
  return `::${level} ${given.join(",")}::${escapeData(message)}`;
}

// Escapes as in https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts
function escapeData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
