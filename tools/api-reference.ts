/**
 * Writes docs/api/PACKAGE.md from the declarations of what each package exports; with `--check` it fails when one of
 * them is stale. `npm run api` makes the declarations first. `node tools/api-reference.ts [--check] [ROOT]`
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

interface Exported {
  name: string;
  kind: "function" | "class" | "const" | "interface" | "type";
  /** The text of its doc comment. */
  doc: string;
  declaration: string;
}

const kinds = [
  ["Functions", ["function"]],
  ["Classes", ["class"]],
  ["Constants", ["const"]],
  ["Types", ["interface", "type"]],
] as const;

const [given] = process.argv.slice(2).filter((argument) => argument !== "--check");
const root = given ?? fileURLToPath(new URL("..", import.meta.url));
const declarations = join(root, "node_modules/.cache/declarations/packages");
const stale = readdirSync(join(root, "packages")).filter((name) => {
  const file = join(root, "docs/api", `${name}.md`);
  const text = referenceOf(name, join(root, "packages", name), join(declarations, name));
  if (existsSync(file) && readFileSync(file, "utf8") === text) return false;
  if (process.argv.includes("--check")) return true;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return false;
});
if (stale.length > 0) {
  console.error(`the API reference of ${stale.join(", ")} is stale; npm run api writes it anew`);
  process.exit(1);
}

/** The reference of one package, every entry point of it. */
function referenceOf(name: string, folder: string, declarations: string): string {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const entries = Object.entries<string>(manifest.exports).filter(([, file]) =>
    file.endsWith(".js"),
  );
  const sections = entries.map(([path, file]) => {
    const source = file.replace("./dist/", "src/").replace(/\.js$/, ".d.ts");
    const exported = exportsOf(join(declarations, source));
    return `\n## From \`${path.replace(".", name)}\`\n${formatExports(exported)}`;
  });
  return `# ${name}: API reference

${manifest.description}

Written by \`npm run api\` from the package's declarations; what is not here is free to change.
${sections.join("")}`;
}

function formatExports(exported: Exported[]): string {
  return kinds
    .map(([title, of]): [string, Exported[]] => [
      title,
      exported.filter(({ kind }) => (of as readonly string[]).includes(kind)),
    ])
    .filter(([, members]) => members.length > 0)
    .map(([title, members]) => `\n### ${title}\n${members.map(formatExport).join("")}`)
    .join("");
}

function formatExport({ name, doc, declaration }: Exported): string {
  const text = doc === "" ? "" : `${doc}\n\n`;
  return `\n#### ${name}\n\n${text}\`\`\`ts\n${declaration}\n\`\`\`\n`;
}

/** What a file of declarations exports, its own and what it passes on, in its order. */
function exportsOf(file: string): Exported[] {
  const text = readFileSync(file, "utf8");
  const passedOn = [...text.matchAll(/^export (?:type )?\{([^}]*)\} from "([^"]+)";$/gm)];
  const others = passedOn.flatMap(([, names = "", from = ""]) => {
    const source = join(dirname(file), from.replace(/\.ts$/, ".d.ts"));
    const available = exportsOf(source);
    return names.split(",").flatMap((part) => {
      const [original = "", alias = original] = part
        .trim()
        .replace(/^type /, "")
        .split(" as ");
      if (original === "") return [];
      const found = available.find(({ name }) => name === original);
      if (found === undefined) throw new Error(`${file}: ${source} exports no ${original}`);
      return [{ ...found, name: alias }];
    });
  });
  return [...others, ...ownExports(text)];
}

function ownExports(text: string): Exported[] {
  const lines = text.split("\n");
  return lines.flatMap((line, index): Exported[] => {
    const [, kind, name] =
      line.match(
        /^export (?:declare )?(?:abstract )?(function|class|const|interface|type) (\w+)/,
      ) ?? [];
    if (kind === undefined || name === undefined) return [];
    const end = lines.findIndex((_, at) => at >= index && isWhole(lines.slice(index, at + 1)));
    const declaration = lines
      .slice(index, end + 1)
      .join("\n")
      .replace(/^export (declare )?/, "");
    return [{ name, kind: kind as Exported["kind"], doc: docBefore(lines, index), declaration }];
  });
}

/** Whether lines are a whole declaration: every bracket is closed, and the last line ends one. */
function isWhole(lines: string[]): boolean {
  const code = lines.join("\n").replaceAll(/\/\*.*?\*\/|"[^"\n]*"|=>/gs, "");
  const count = (pattern: RegExp) => code.match(pattern)?.length ?? 0;
  return count(/[{([]/g) === count(/[})\]]/g) && /[;}]$/.test(lines.at(-1) ?? "");
}

/** The text of the comment that ends on the line before. */
function docBefore(lines: string[], index: number): string {
  if (!lines[index - 1]?.endsWith("*/")) return "";
  const start = lines.findLastIndex((line, at) => at < index && line.startsWith("/**"));
  return lines
    .slice(start, index)
    .map((line) => line.replace(/^\/\*\* ?| ?\*\/$|^ \* ?/g, ""))
    .join("\n")
    .trim()
    .replaceAll(/^@param (?:options\.)?([\w.]+)/gm, "- `$1`:")
    .replaceAll(/^@(\w+)/gm, (_, tag: string) => `- ${tag}:`)
    .replaceAll(/\{@link (\w+)\}/g, "`$1`");
}
