/**
 * Fails when a source runs text as code, starts a shell, or leaves a certificate unchecked.
 * `node tools/check-security.ts [ROOT]`
 */
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const rules: [what: string, pattern: RegExp][] = [
  ["runs text as code", /\beval\s*\(|\bnew Function\b|["'](?:node:)?vm["']/],
  ["runs text as code by a timer", /\bset(?:Timeout|Interval)\s*\(\s*["'`]/],
  [
    "starts a shell",
    /\bshell\s*:\s*(?:true\b|["'`])|\bexecSync\b|\bexec\b[^"'`;]*["'](?:node:)?child_process["']/,
  ],
  [
    "starts a shell by its name",
    /\b(?:spawn|execFile)\w*\s*\(\s*["'`](?:\/bin\/)?(?:sh|bash|cmd)(?:\.exe)?["'`]/,
  ],
  [
    "does not check certificates",
    // To take the variable away is to check.
    /rejectUnauthorized\s*:\s*false|(?<!\bdelete process\.env\[")NODE_TLS_REJECT_UNAUTHORIZED/,
  ],
];

const cwd = process.argv[2] ?? fileURLToPath(new URL("..", import.meta.url));
const files = globSync(
  ["packages/*/src/**/*.{ts,js}", "packages/*/engine/**/*.js", "lib/src/**/*.ts"],
  { cwd },
);
const problems = files.flatMap((file) => {
  const code = withoutComments(readFileSync(`${cwd}/${file}`, "utf8"));
  return rules.flatMap(([what, pattern]) => {
    const at = code.search(pattern);
    return at < 0 ? [] : [`${file}:${code.slice(0, at).split("\n").length}: ${what}`];
  });
});
if (files.length === 0) problems.push("no source found");

if (problems.length > 0) {
  console.error(`what must not be in a source:\n  ${problems.join("\n  ")}`);
  process.exit(1);
}
console.log(
  `security: ${files.length} files run no text as code, start no shell, check certificates`,
);

/** Comments may speak of what code must not do; their lines stay, so that places are right. */
function withoutComments(text: string): string {
  return text
    .replaceAll(/\/\*.*?\*\//gs, (comment) => comment.replaceAll(/[^\n]/g, ""))
    .replaceAll(/^\s*\/\/.*$/gm, "");
}
