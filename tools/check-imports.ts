/**
 * Fails when a package imports another of the five, when a source imports test code, or when a built
 * declaration mentions `@internal/`, which users do not have. `node tools/check-imports.ts [ROOT]`
 */
import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const cwd = process.argv[2] ?? fileURLToPath(new URL("..", import.meta.url));
const packages = readdirSync(`${cwd}/packages`);
const specifier = /(?:\bfrom|\bimport|\brequire)\s*\(?\s*["']([^"']+)["']/g;
const problems: string[] = [];
let checked = 0;

for (const file of globSync(["packages/*/src/**/*.ts", "lib/src/**/*.ts"], { cwd })) {
  const own = file.split("/")[1];
  for (const name of importsOf(file)) {
    const first = name.split("/")[0] ?? "";
    if (packages.includes(first) && first !== own) problems.push(`${file}: imports ${name}`);
    const leaves = /(^|\/)(test|packages)\//.test(name) && name.startsWith(".");
    if (name.startsWith("@internal/test") || leaves) problems.push(`${file}: imports ${name}`);
  }
}
const built = packages.filter((name) => existsSync(`${cwd}/packages/${name}/dist`));
for (const name of built) {
  for (const file of globSync(`packages/${name}/dist/**/*.d.ts`, { cwd })) {
    const inside = importsOf(file).filter((each) => each.startsWith("@internal/"));
    for (const each of inside) problems.push(`${file}: mentions ${each}`);
  }
}
if (checked === 0) problems.push("no source found");

if (problems.length > 0) {
  console.error(`imports that must not be:\n  ${problems.join("\n  ")}`);
  process.exit(1);
}
console.log(`imports: ${checked} files stand on their own`);

function importsOf(file: string): string[] {
  checked++;
  const text = readFileSync(`${cwd}/${file}`, "utf8");
  return [...text.matchAll(specifier)].map(([, name = ""]) => name);
}
