import {
  ansiColorFormatter,
  jsonLinesFormatter,
  type LogRecord,
  type TextFormatter,
} from "@logtape/logtape";

export type Fields = Record<string, unknown>;
export type Level = "debug" | "info" | "warning" | "error";

/** A daemon's log: a message for people, fields for machines. */
export interface Log {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warning(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
}

const ranks = { debug: 0, info: 1, warning: 2, error: 3 };

/**
 * A log of one line a record: readable on a terminal, else one JSON object a line (`@timestamp`, `level`,
 * `message`, `logger`, `properties`).
 *
 * @param options.name the logger's name in each record
 * @param options.stream where the lines go; a daemon's go to stderr
 * @param options.level the least level written, default `info`
 */
export function createLog(options: {
  name: string;
  stream: NodeJS.WritableStream & { isTTY?: boolean };
  level?: Level;
}): Log {
  const { name, stream, level = "info" } = options;
  const format: TextFormatter = stream.isTTY ? readable : jsonLinesFormatter;
  const write = (at: Level, message: string, fields: Fields = {}): void => {
    if (ranks[at] < ranks[level]) return;
    const record: LogRecord = {
      category: [name],
      level: at,
      message: [message],
      rawMessage: message,
      timestamp: Date.now(),
      properties: fields,
    };
    stream.write(format(record));
  };
  return {
    debug: (message, fields) => write("debug", message, fields),
    info: (message, fields) => write("info", message, fields),
    warning: (message, fields) => write("warning", message, fields),
    error: (message, fields) => write("error", message, fields),
  };
}

function readable(record: LogRecord): string {
  const fields = Object.entries(record.properties)
    .map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" ");
  const line = ansiColorFormatter({ ...record, message: [`${record.rawMessage}`] });
  return fields === "" ? line : line.replace(/\n$/, `  ${fields}\n`);
}
