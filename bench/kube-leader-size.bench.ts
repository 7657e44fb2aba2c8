/** What kube-leader adds to somebody else's image: the code in the tarball, packed, without maps; and no dependency. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { printClaims } from "./report.ts";

const root = fileURLToPath(new URL("../packages/kube-leader/", import.meta.url));
execFileSync("npm", ["run", "--silent", "build"], {
  cwd: root,
  stdio: ["ignore", "ignore", "inherit"],
});
const code = readdirSync(`${root}dist`).filter((file) => file.endsWith(".js"));
const contents = code.map((file) => readFileSync(`${root}dist/${file}`));
const unpacked = contents.reduce((sum, { length }) => sum + length, 0);
const packed = gzipSync(Buffer.concat(contents)).length;
const { dependencies = {} } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
const count = Object.keys(dependencies).length;

printClaims("kube-leader: size", [
  {
    claim: "code in the tarball, without maps",
    ours: `${(packed / 1e3).toFixed(1)} kB packed, ${(unpacked / 1e3).toFixed(1)} kB unpacked`,
    budget: "≤ 30 kB packed",
    gated: true,
    met: packed <= 30_000,
  },
  { claim: "dependencies", ours: `${count}`, budget: "0", gated: true, met: count === 0 },
]);
