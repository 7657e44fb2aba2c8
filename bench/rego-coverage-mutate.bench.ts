/** `rego-coverage --mutate` beside one `opa test` a change; no test may run that does not reach the change. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { component } from "@internal/test/components";
import { makeFolder } from "@internal/test/folder";
import { startEmbedded } from "../packages/rego-coverage/src/engine/embedded.ts";
import { type Mutant, runMutants } from "../packages/rego-coverage/src/mutate/mutate.ts";
import { readReport } from "../packages/rego-coverage/src/report.ts";
import { printClaims } from "./report.ts";

const files: Record<string, string> = {};
for (let n = 0; n < 8; n++) {
  files[`policies/p${n}.rego`] =
    `package p${n}\n\ndefault allow := false\n\nallow if {\n\tinput.n > ${n}\n\tinput.kind == "a"\n\tevery x in input.xs {\n\t\tx != 3\n\t}\n}\n`;
  files[`policies/p${n}_test.rego`] =
    `package p${n}_test\n\nimport data.p${n}\n\ntest_yes if p${n}.allow with input as {"n": ${n + 1}, "kind": "a", "xs": [1]}\n\ntest_no if not p${n}.allow with input as {"n": ${n}, "kind": "a", "xs": [1]}\n`;
}
using folder = makeFolder(files);
process.env["XDG_CACHE_HOME"] = folder.path;
const policies = Array.from({ length: 8 }, (_, n) => ({
  file: `policies/p${n}.rego`,
  pragmas: [],
}));
const suite = { paths: ["policies"], ignore: [], v0Compatible: false };

const start = performance.now();
const judged = await runMutants({ ...suite, cwd: folder.path, policies });
const seconds = (performance.now() - start) / 1000;

// What reaches a change is asked anew, test by test, of rows alone: a looser question than the engine's own.
const session = startEmbedded(folder.path);
const { contexts } = await session.request<{ contexts: Record<string, unknown> }>("test", {
  ...suite,
  contexts: true,
});
await session.close();
const reaching = ({ file, row, endRow }: Mutant, test: string) => {
  const ranges = readReport(contexts[test]).get(file);
  const tried = ranges?.notCovered.filter(({ reason }) => reason !== undefined) ?? [];
  return [...(ranges?.covered ?? []), ...tried].some(
    (range) => range.start.row <= endRow && range.end.row >= row,
  );
};
const stray = judged.flatMap(({ mutant, outcome }) =>
  outcome.ran.filter((test) => !reaching(mutant, test)),
);
const ran = judged.reduce((sum, { outcome }) => sum + outcome.ran.length, 0);

const opa = await component("opa");
const rounds = 10;
const peerStart = performance.now();
for (let round = 0; round < rounds; round++) {
  spawnSync(opa, ["test", fileURLToPath(new URL(`file://${folder.path}/policies`))]);
}
const peerSeconds = (performance.now() - peerStart) / 1000 / rounds;

printClaims("rego-coverage --mutate", [
  {
    claim: "tests run that do not reach the change",
    ours: `${stray.length} of ${ran} (${judged.length} changes)`,
    budget: "0",
    gated: true,
    met: stray.length === 0 && ran > 0,
  },
  {
    claim: "changes tried in a second, start-up included",
    ours: (judged.length / seconds).toFixed(1),
    peer: `one opa test each ${(1 / peerSeconds).toFixed(1)}`,
    figure: `${((judged.length / seconds) * peerSeconds).toFixed(2)}×`,
    budget: "none",
    gated: false,
    met: true,
  },
]);
