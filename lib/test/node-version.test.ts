import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { startProcess } from "../../test/cli.ts";

const source = fileURLToPath(new URL("../src/node-version.ts", import.meta.url));

test("the packages' engines say the same", () => {
  const packages = fileURLToPath(new URL("../../packages/", import.meta.url));
  for (const name of readdirSync(packages)) {
    const { engines } = JSON.parse(readFileSync(`${packages}${name}/package.json`, "utf8"));
    expect(engines.node, name).toBe(">=22.19");
  }
});

/** Says that it is another Node, as a child process: the check ends its process. */
function on(version: string) {
  const script = `
import { requireNode } from ${JSON.stringify(source)};
Object.defineProperty(process, "version", { value: "v${version}" });
Object.defineProperty(process, "versions", { value: { ...process.versions, node: "${version}" } });
requireNode("tool");
console.log("goes on");
`;
  return startProcess(process.execPath, ["--input-type=module-typescript", "--eval", script]).ended;
}

test.each(["22.19.0", "22.20.1", "23.0.0", "26.10.0"])("goes on with Node %s", async (version) => {
  expect(await on(version)).toMatchObject({ code: 0, stdout: "goes on\n" });
});

test.each(["22.18.9", "20.20.2", "9.0.0"])("is one sentence with Node %s", async (version) => {
  const { code, stdout, stderr } = await on(version);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toBe(
    `tool: needs Node 22.19 or newer, and this is v${version}; install a newer Node, or run it with ` +
      "npx -p node@24 -p tool tool\n",
  );
});
