import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { startProcess } from "./cli.ts";
import { type Component, catalogue, type Download } from "./components/catalogue.ts";
import { cachedPath, provide } from "./components/provide.ts";
import { makeFolder } from "./folder.ts";

const platform = `${process.platform}-${process.arch}`;
const genuine = "#!/bin/sh\necho the genuine program\n";
const sha256 = (data: string | Buffer) => createHash("sha256").update(data).digest("hex");

/** A component as the tests need it: a shell script that says its version. */
function sample(download?: Download): Component {
  return {
    name: "sample",
    program: "sample",
    version: "v1.2.3",
    versionArguments: ["--version"],
    accepts: { from: "1.2", before: "1.3" },
    downloads: download === undefined ? {} : { [platform]: download },
    build: { folder: "/", package: "example.org/sample", ldflags: ["-s"], takes: "a moment" },
  };
}

/** A machine of its own: a PATH with these programs and the system's, an empty cache, and what was said. */
function machine(programs: Record<string, string> = {}) {
  const folder = makeFolder({ "bin/README": "" });
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(folder.path, "bin", name), text);
    chmodSync(join(folder.path, "bin", name), 0o755);
  }
  const said: string[] = [];
  const cacheFolder = join(folder.path, "cache");
  const env: NodeJS.ProcessEnv = { PATH: `${folder.path}/bin`, BUILDS: `${folder.path}/builds` };
  return {
    ...folder,
    cacheFolder,
    env,
    said,
    bin: (name: string) => join(folder.path, "bin", name),
    builds: () =>
      existsSync(env["BUILDS"] ?? "") ? readFileSync(`${folder.path}/builds`, "utf8") : "",
    provide: (component: Component) =>
      provide(component, { cacheFolder, env, say: (line) => said.push(line) }),
  };
}

const saysVersion = (version: string) => `#!/bin/sh\necho sample v${version}\n`;
/** Stands in for Go: notes that it was called, takes a while and leaves a program at `-o`. */
const fakeGo = `#!/bin/sh
echo "$@" >> "$BUILDS"
/bin/sleep 0.3
printf '#!/bin/sh\\necho the built program\\n' > "$6"
/bin/chmod +x "$6"
`;

async function serving(answer: string | Buffer | "cut" | "nothing" | "silence") {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    if (answer === "silence") return;
    if (answer === "nothing") return response.writeHead(404).end();
    if (answer !== "cut") return response.end(answer);
    response.writeHead(200, { "content-length": genuine.length });
    response.write(genuine.slice(0, 10), () => response.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${port}/sample`, asked, [Symbol.dispose]: stop };
}

/** A release's archive with the genuine program at `member`. */
function packed(member: string): Buffer {
  using folder = makeFolder({ [member]: genuine });
  execFileSync("tar", ["-czf", "release.tar.gz", member], { cwd: folder.path });
  return readFileSync(join(folder.path, "release.tar.gz"));
}

const run = (program: string) => execFileSync(program, { encoding: "utf8" });

describe("a component that is installed", () => {
  test("is the one that the environment names", async () => {
    using here = machine({ own: saysVersion("1.2.9"), sample: saysVersion("1.2.3") });
    here.env["TEST_ASSET_SAMPLE"] = here.bin("own");
    expect(await here.provide(sample())).toBe(here.bin("own"));
  });

  test("is the one on PATH otherwise", async () => {
    using here = machine({ sample: saysVersion("1.2.9") });
    expect(await here.provide(sample())).toBe(here.bin("sample"));
    expect(here.said).toEqual([]);
  });

  test.each([
    ["1.3.0", "it is 1.3.0, and this needs 1.2 or later, before 1.3"],
    ["1.1.9", "it is 1.1.9, and this needs 1.2 or later, before 1.3"],
    ["", "it does not say its version: sample v\n"],
  ])("is not used in version %j", async (version, reason) => {
    using here = machine({ sample: saysVersion(version), go: fakeGo });
    expect(await here.provide(sample())).toBe(cachedPath(sample(), here.cacheFolder));
    expect(here.said[0]).toBe(`sample: ${here.bin("sample")} is not used, ${reason}`);

    here.env["TEST_ASSET_SAMPLE"] = here.bin("sample");
    const message = `TEST_ASSET_SAMPLE=${here.bin("sample")}: ${reason}`;
    await expect(here.provide(sample())).rejects.toThrow(message);
  });

  test("is an error where the environment names nothing", async () => {
    using here = machine({ go: fakeGo });
    here.env["TEST_ASSET_SAMPLE"] = "/nowhere/sample";
    const message = "TEST_ASSET_SAMPLE=/nowhere/sample: no program there";
    await expect(here.provide(sample())).rejects.toThrow(message);
  });
});

describe("a component that is downloaded", () => {
  test("is kept, and not asked for again", async () => {
    using here = machine();
    const release = await serving(genuine);
    const component = sample({ url: release.url, sha256: sha256(genuine) });
    const path = await here.provide(component);
    expect(run(path)).toBe("the genuine program\n");
    release[Symbol.dispose]();
    expect(await here.provide(component)).toBe(path);
    expect(here.said).toEqual([`sample: downloading ${release.url}`]);
  });

  test("comes out of an archive", async () => {
    using here = machine();
    here.env["PATH"] += `:${process.env["PATH"]}`;
    const member = "sample-linux/sample";
    const archive = packed(member);
    using release = await serving(archive);
    const path = await here.provide(sample({ url: release.url, sha256: sha256(archive), member }));
    expect(run(path)).toBe("the genuine program\n");
    expect(existsSync(join(here.cacheFolder, "partial"))).toBe(false);
  });

  test.each(
    Object.values(catalogue).flatMap((component) =>
      Object.entries(component.downloads).map(([on, download]) => ({ component, on, download })),
    ),
  )("$component.name for $on comes as its release has it", async ({ component, download }) => {
    const { url, member } = download;
    const archive = member === undefined ? undefined : packed(member);
    using here = machine();
    using release = await serving(archive ?? genuine);
    const { pathname } = new URL(url);
    const local = { url: new URL(pathname, release.url).href, sha256: sha256(archive ?? genuine) };
    const path = await here.provide({
      ...component,
      downloads: { [platform]: member === undefined ? local : { ...local, member } },
    });
    expect(run(path)).toBe("the genuine program\n");
    expect(release.asked).toEqual([pathname]);
  });

  test.each([
    ["cut", "terminated|other side closed|aborted"],
    ["nothing", "answered 404"],
    [
      "#!/bin/sh\necho a tampered program\n",
      `has the checksum \\w{64}, expected ${sha256(genuine)}`,
    ],
  ])("is built instead when the release's file is %j", async (answer, reason) => {
    using here = machine({ go: fakeGo });
    using release = await serving(answer);
    const path = await here.provide(sample({ url: release.url, sha256: sha256(genuine) }));
    expect(run(path)).toBe("the built program\n");
    expect(here.said[1]).toMatch(new RegExp(`${release.url}.* (${reason}); building it instead`));
  });

  test("is built soon when the host is silent, which is asked once for all components", async () => {
    using here = machine({ go: fakeGo });
    using other = machine({ go: fakeGo });
    using release = await serving("silence");
    const component = sample({ url: release.url, sha256: sha256(genuine) });
    for (const { provide } of [here, other]) {
      expect(run(await provide(component))).toBe("the built program\n");
    }
    expect(release.asked).toEqual(["/sample"]);
    expect(here.said[1]).toBe(`sample: ${release.url}: silent for 5 s; building it instead`);
    expect(other.said[1]).toMatch(/: 127\.0\.0\.1:\d+ did not answer before; building it instead$/);
  });

  test("is missing when there is no Go either", async () => {
    using here = machine();
    using release = await serving("a tampered program");
    const component = sample({ url: release.url, sha256: sha256(genuine) });
    await expect(here.provide(component)).rejects.toThrow(
      "sample v1.2.3 is not here: there is no Go to build it with. Install Go (https://go.dev/dl) " +
        "and it is built, or set TEST_ASSET_SAMPLE to a program of yours",
    );
    expect(existsSync(cachedPath(component, here.cacheFolder))).toBe(false);
  });
});

describe("a component that is built", () => {
  test("is built once, however many ask, and after a process that was killed over it", async () => {
    using here = machine({ go: fakeGo });
    mkdirSync(join(here.cacheFolder, "partial"), { recursive: true });
    writeFileSync(join(here.cacheFolder, "partial", "sample"), "half a program");
    const paths = await Promise.all([1, 2, 3].map(() => here.provide(sample())));
    expect(new Set(paths)).toEqual(new Set([cachedPath(sample(), here.cacheFolder)]));
    expect(run(paths[0] ?? "")).toBe("the built program\n");
    expect(here.builds().trim().split("\n")).toEqual([
      `build -trimpath -ldflags -s -o ${here.cacheFolder}/partial/sample example.org/sample`,
    ]);
    expect(existsSync(join(here.cacheFolder, "partial"))).toBe(false);
  });

  test("fails in Go's own words", async () => {
    using here = machine({ go: "#!/bin/sh\necho no required module >&2\nexit 1\n" });
    await expect(here.provide(sample())).rejects.toThrow("failed:\nno required module");
  });
});

describe("to the tests of a package", () => {
  const module = fileURLToPath(new URL("components.ts", import.meta.url));
  const script = (body: string) => [
    "--input-type=module-typescript",
    "--eval",
    `import { available, component } from ${JSON.stringify(module)}; ${body}`,
  ];

  test("several processes get one build", async () => {
    using here = machine({ go: fakeGo });
    const env = { ...here.env, XDG_CACHE_HOME: here.path };
    const ask = script('console.log(await component("gator"))'); // has no pinned release
    const asked = [1, 2].map(() => startProcess(process.execPath, ask, { env }).ended);
    const [first, second] = await Promise.all(asked);
    expect(first).toMatchObject({ code: 0, stdout: second?.stdout });
    expect(first?.stdout).toContain(`${here.path}/platform-packages/gator-`);
    expect(here.builds().trim().split("\n")).toHaveLength(1);
  });

  test("what is missing is one line, in CI an error", async () => {
    using here = machine();
    const env = { ...here.env, XDG_CACHE_HOME: here.path, CI: undefined };
    const ask = script('console.log(await available("gator"))');
    const elsewhere = await startProcess(process.execPath, ask, { env }).ended;
    expect(elsewhere).toMatchObject({ code: 0, stdout: "false\n" });
    expect(elsewhere.stderr).toContain("Not run here, what needs gator: gator v");
    expect(elsewhere.stderr).toContain("set TEST_ASSET_GATOR to a program of yours");
    const ci = await startProcess(process.execPath, ask, { env: { ...env, CI: "true" } }).ended;
    expect(ci.code).toBe(1);
    expect(ci.stderr).toContain("MissingComponentError: gator v");
  });
});

test.each(Object.values(catalogue))("$name: what is pinned is one version", (component) => {
  expect(component.version).toMatch(/^v\d+\.\d+\.\d+$/);
  for (const { url, sha256 } of Object.values(component.downloads)) {
    expect(url).toContain(component.version);
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
  }
});
