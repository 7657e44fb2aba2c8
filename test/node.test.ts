import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";

test("runs on the Node release that was asked for, and so do the bins it starts", () => {
  const major = process.env["EXPECTED_NODE_MAJOR"] ?? "24";
  expect(process.versions.node.split(".")[0]).toBe(major);
  expect(execFileSync(process.execPath, ["--version"], { encoding: "utf8" }).trim()).toBe(
    process.version,
  );
});
