import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { startProcess } from "./cli.ts";
import { makeFolder } from "./folder.ts";

const tool = fileURLToPath(new URL("../tools/ci-report.ts", import.meta.url));
const good = { numTotalTests: 3, numPassedTests: 3, numFailedTests: 0, numPendingTests: 0 };
const fine = { ...good, numTodoTests: 0, success: true };

async function report(reports: (object | string)[], more: string[] = []) {
  const files = Object.fromEntries(
    reports.map((each, index) => [
      `${index}.json`,
      typeof each === "string" ? each : JSON.stringify(each),
    ]),
  );
  using folder = makeFolder(files);
  const { ended } = startProcess(process.execPath, [tool, ...Object.keys(files), ...more], {
    cwd: folder.path,
  });
  return await ended;
}

test("sums what passed", async () => {
  const { code, stdout } = await report([fine, fine]);
  expect([code, stdout]).toEqual([0, "6 passed, 0 failed\n"]);
});

test.each([
  ["a failed test", { ...fine, numPassedTests: 2, numFailedTests: 1, success: false }, 2],
  ["a skipped test", { ...fine, numPassedTests: 2, numPendingTests: 1 }, 2],
  ["a todo", { ...fine, numPassedTests: 2, numTodoTests: 1 }, 2],
  ["an empty suite", { ...fine, numTotalTests: 0, numPassedTests: 0 }, 0],
  ["a file that does not load", { ...fine, success: false }, 3],
  ["a report cut short", '{"numTotal', 0],
])("%s fails it", async (_, bad, passed) => {
  const { code, stdout } = await report([bad]);
  expect([code, stdout]).toEqual([1, `${passed} passed, 1 failed\n`]);
});

test("a missing report fails it, and so does none at all", async () => {
  const { code, stderr } = await report([fine], ["elsewhere.json"]);
  expect(code).toBe(1);
  expect(stderr).toContain("elsewhere.json: no report");
  expect((await report([])).code).toBe(1);
});
