import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    coverage: { include: ["packages/*/src/**", "lib/src/**"], reporter: ["text"] },
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["packages/*/test/**/*.test.ts", "lib/test/**/*.test.ts", "test/**/*.test.ts"],
          exclude: ["**/*.cluster.test.ts"],
          globalSetup: ["test/unit-setup.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: "cluster",
          include: ["packages/*/test/**/*.cluster.test.ts", "test/**/*.cluster.test.ts"],
          globalSetup: ["test/cluster-setup.ts"],
          runner: "test/cluster-runner.ts",
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: "release",
          include: ["release/**/*.test.ts"],
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
