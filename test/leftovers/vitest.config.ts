import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** The cluster suite in small: its setup and its runner, over one file. */
export default defineConfig({
  test: {
    root: fileURLToPath(new URL("../..", import.meta.url)),
    include: ["test/leftovers/suite.ts"],
    globalSetup: ["test/cluster-setup.ts"],
    runner: "test/cluster-runner.ts",
    testTimeout: 120_000,
  },
});
