/** Plain objects as YAML documents, one after another. */
export function toYaml(objects: readonly object[]): string {
  return objects.map((object) => `${lines(object).join("\n")}\n`).join("---\n");
}

function lines(value: object): string[] {
  return Array.isArray(value)
    ? value.flatMap(itemLines)
    : Object.entries(value).flatMap(fieldLines);
}

function fieldLines([key, value]: [string, unknown]): string[] {
  if (value === undefined) return [];
  if (!isNested(value)) return [`${scalar(key)}: ${scalar(value)}`];
  return [`${scalar(key)}:`, ...lines(value).map((line) => `  ${line}`)];
}

function itemLines(value: unknown): string[] {
  if (!isNested(value)) return [`- ${scalar(value)}`];
  return lines(value).map((line, index) => `${index === 0 ? "- " : "  "}${line}`);
}

function isNested(value: unknown): value is object {
  return typeof value === "object" && value !== null && Object.keys(value).length > 0;
}

/** Words that YAML reads as themselves stay bare; JSON's form is right for everything else. */
function scalar(value: unknown): string {
  const isPlain = typeof value === "string" && /^[A-Za-z/][\w./-]*$/.test(value);
  const isWord = /^(y|n|yes|no|on|off|true|false|null)$/i.test(`${value}`);
  return isPlain && !isWord ? value : JSON.stringify(value);
}
