import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { component } from "@internal/test/components";
import { beforeAll, describe, expect, test } from "vitest";
import { formatMissing, missingCoverage } from "../src/missing.ts";
import { runCoverage } from "../src/run.ts";
import { corpus, corpusFolder, expectedMissing } from "./corpus.ts";

describe.each(["opa", "opa-row-schema"] as const)("with %s", (version) => {
  let opa: string;
  beforeAll(async () => {
    opa = await component(version);
  }, 600_000);

  test.each(corpus)("$name: what is missing", async ({ name, v0Compatible, ignore }) => {
    const cwd = join(corpusFolder, name);
    const report = await runCoverage({ cwd, opa: [opa], v0Compatible, ignore });
    expect(formatMissing(report.missing)).toEqual(expectedMissing(name, version));
  });

  test.each(["index_excluded", "unicode", "multi_line", "folders", "comments_only"])(
    "%s: the same from OPA's own report",
    (name) => {
      const cwd = join(corpusFolder, name);
      const json = execFileSync(opa, ["test", "--coverage", "policies"], { cwd, encoding: "utf8" });
      const raw = JSON.parse(json) as { files: Record<string, unknown> };
      const missing = missingCoverage(raw, Object.keys(raw.files), { cwd });
      expect(formatMissing(missing)).toEqual(expectedMissing(name, version));
    },
  );
});
