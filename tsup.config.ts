import { existsSync } from "node:fs";
import { defineConfig } from "tsup";

/** How every package is built: an ES module library and its bin, split so that they share code; `lib/` goes inside. */
export default defineConfig({
  entry: ["src/index.ts", "src/cli.ts", "src/fake.ts"].filter((file) => existsSync(file)),
  tsconfig: "tsconfig.build.json",
  format: "esm",
  target: "node22",
  sourcemap: true,
  clean: true,
  removeNodeProtocol: false,
  noExternal: [/^@internal\//],
});
