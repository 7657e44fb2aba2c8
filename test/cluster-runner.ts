import { inject, TestRunner, test } from "vitest";

/**
 * Runs the cluster suite's files, and where there is no cluster shows each of them as one skipped test.
 * The files need not think of that case.
 */
export default class ClusterRunner extends TestRunner {
  override importFile(file: string, source: "collect" | "setup"): unknown {
    if (source === "setup" || inject("cluster") !== undefined)
      return super.importFile(file, source);
    return test.skip("not run: there is no cluster here", () => {});
  }
}
