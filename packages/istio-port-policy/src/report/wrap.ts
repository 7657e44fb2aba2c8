/**
 * Parts a text into lines at its blanks. A word that is longer than a line has one to itself.
 *
 * @param columns how wide a line may be; without it there is one line
 * @param options.first columns that something else takes of the first line
 * @param options.indent blanks that the other lines begin with
 */
export function wrap(
  text: string,
  columns: number | undefined,
  { first, indent }: { first: number; indent: number },
): string {
  if (columns === undefined) return text;
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const taken = lines.length === 0 ? first : indent;
    if (line !== "" && taken + line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join(`\n${" ".repeat(indent)}`);
}
