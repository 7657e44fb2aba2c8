import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startGuard } from "./guard.ts";

/**
 * Gives a run of a suite a folder of its own for temporary files, in this process and those it starts from here on.
 * It is gone when the run is, however that ends: a test that is interrupted cleans nothing up itself.
 */
export function startRunFolder(): { close(): Promise<void> } {
  const folder = mkdtempSync(join(tmpdir(), "platform-packages-run-"));
  const guard = startGuard(folder);
  const before = process.env["TMPDIR"];
  process.env["TMPDIR"] = folder;
  return {
    close: async () => {
      if (before === undefined) delete process.env["TMPDIR"];
      else process.env["TMPDIR"] = before;
      await guard.close();
    },
  };
}
