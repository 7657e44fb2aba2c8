import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Writes a projected volume as the kubelet lays it out: each file a link through `..data`, which the kubelet
 * turns to another folder when the token is renewed.
 */
export function writeTokenFolder(parent: string, files: Record<string, string>): string {
  const folder = mkdtempSync(join(parent, "serviceaccount-"));
  mkdirSync(join(folder, "..version"));
  symlinkSync("..version", join(folder, "..data"));
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, "..version", name), text);
    symlinkSync(join("..data", name), join(folder, name));
  }
  return folder;
}
