import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { startProcess } from "./cli.ts";
import { makeFolder } from "./folder.ts";

const tool = fileURLToPath(new URL("../tools/api-reference.ts", import.meta.url));
const run = (...args: string[]) => startProcess(process.execPath, [tool, ...args]).ended;
const declarations = "node_modules/.cache/declarations/packages/a/src";
const files = {
  "packages/a/package.json": JSON.stringify({
    description: "Does a.",
    exports: { ".": "./dist/index.js", "./package.json": "./package.json" },
  }),
  [`${declarations}/index.d.ts`]:
    'export { doIt, type Inner as Options } from "./do-it.ts";\nexport type { Shape } from "./do-it.ts";\n',
  [`${declarations}/do-it.d.ts`]: `/** What it takes: "}" too. */
export interface Inner {
    /** With { brackets. */
    deep?: {
        n: number;
    };
}
/**
 * Does it.
 *
 * @param options.deep how deep, in metres
 * @throws Error when it is too deep
 */
export declare function doIt(options: Inner): {
    done: boolean;
};
export type Shape = "round" | "}";
/** Not passed on. */
export declare const secret = 1;
`,
};

test("the reference has what the index passes on, with its comments, by kind", async () => {
  using folder = makeFolder(files);
  expect(await run(folder.path)).toMatchObject({ code: 0, stderr: "" });
  expect(readFileSync(`${folder.path}/docs/api/a.md`, "utf8")).toMatchInlineSnapshot(`
    "# a: API reference

    Does a.

    Written by \`npm run api\` from the package's declarations; what is not here is free to change.

    ## From \`a\`

    ### Functions

    #### doIt

    Does it.

    - \`deep\`: how deep, in metres
    - throws: Error when it is too deep

    \`\`\`ts
    function doIt(options: Inner): {
        done: boolean;
    };
    \`\`\`

    ### Types

    #### Options

    What it takes: "}" too.

    \`\`\`ts
    interface Inner {
        /** With { brackets. */
        deep?: {
            n: number;
        };
    }
    \`\`\`

    #### Shape

    \`\`\`ts
    type Shape = "round" | "}";
    \`\`\`
    "
  `);
});

test("a reference that is not what the declarations say is stale, and so is a missing one", async () => {
  using folder = makeFolder(files);
  expect(await run("--check", folder.path)).toMatchObject({
    code: 1,
    stderr: "the API reference of a is stale; npm run api writes it anew\n",
  });
  await run(folder.path);
  expect((await run("--check", folder.path)).code).toBe(0);
  const changed = files[`${declarations}/do-it.d.ts`]?.replace("deep, in metres", "deep, in feet");
  writeFileSync(`${folder.path}/${declarations}/do-it.d.ts`, changed ?? "");
  expect((await run("--check", folder.path)).code).toBe(1);
});
