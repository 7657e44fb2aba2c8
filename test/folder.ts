import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A folder for one test, with these files in it; `using` removes it at the end of the block. */
export function makeFolder(files: Record<string, string> = {}): {
  path: string;
  [Symbol.dispose](): void;
} {
  const path = mkdtempSync(join(tmpdir(), "platform-packages-"));
  for (const [name, text] of Object.entries(files)) {
    const file = join(path, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
