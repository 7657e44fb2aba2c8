/** rego-coverage beside `opa test --coverage`, on a suite that takes OPA more than a second. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { component } from "@internal/test/components";
import { makeFolder } from "@internal/test/folder";
import { median, printClaims } from "./report.ts";

const opa = await component("opa");
const bin = fileURLToPath(new URL("../packages/rego-coverage/dist/cli.js", import.meta.url));

/** Wall time in seconds of each command, taken in turns. */
function race(cwd: string, rounds: number, commands: string[][]): number[] {
  const samples = commands.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    commands.forEach(([program = "", ...args], index) => {
      const start = performance.now();
      const { status, stderr } = spawnSync(program, args, {
        cwd,
        encoding: "utf8",
        maxBuffer: 2 ** 28,
      });
      if (status !== 0) throw new Error(`${program} exited ${status}: ${stderr}`);
      samples[index]?.push((performance.now() - start) / 1000);
    });
  }
  return samples.map(median);
}

function suite(policies: number, size: number): Record<string, string> {
  const files: Record<string, string> = {};
  for (let n = 0; n < policies; n++) {
    files[`policies/p${n}.rego`] =
      `package p${n}\n\nsum := count([1 | some x in input.xs; some y in input.xs; x * y > ${n}])\n`;
    files[`policies/p${n}_test.rego`] =
      `package p${n}_test\n\nimport data.p${n}\n\ntest_sum if p${n}.sum >= 0 with input.xs as numbers.range(1, ${size})\n`;
  }
  return files;
}

using heavy = makeFolder(suite(60, 80));
using light = makeFolder(suite(12, 3));
const ours = [process.execPath, bin, "--opa", opa];
const native = [opa, "test", "--coverage", "policies"];
const [heavyOurs = 0, heavyNative = 1] = race(heavy.path, 5, [ours, native]);
const [lightOurs = 0, lightNative = 1] = race(light.path, 9, [ours, native]);
const ratio = heavyOurs / heavyNative;
const startUp = (lightOurs - lightNative) * 1000;

printClaims("rego-coverage over OPA", [
  {
    claim: "wall time, a suite of 1 s or more",
    ours: `${heavyOurs.toFixed(2)} s`,
    peer: `opa test --coverage ${heavyNative.toFixed(2)} s`,
    figure: `${ratio.toFixed(2)}×`,
    budget: "≤ 1.15×",
    gated: true,
    met: heavyNative >= 1 && ratio <= 1.15,
  },
  {
    claim: "start-up over OPA's, 12 tests",
    ours: `${(lightOurs * 1000).toFixed(0)} ms`,
    peer: `opa test --coverage ${(lightNative * 1000).toFixed(0)} ms`,
    figure: `${startUp.toFixed(0)} ms`,
    budget: "≤ 150 ms",
    gated: false,
    met: startUp <= 150,
  },
]);
