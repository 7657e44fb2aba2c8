import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { binOf, type CliResult, runCli, startProcess } from "@internal/test/cli";
import { component } from "@internal/test/components";
import { makeFolder } from "@internal/test/folder";
import { describe, expect, test } from "vitest";

// The emoji takes two UTF-16 units and one of OPA's columns; row 5 is covered only in part.
const policy = `package a

x if {
	count(input.s) == 1
	indexof("🙂", input.s[0]) == 1; count(input.t) > 1
	count(input.u) > 1
}

# rego-coverage ignore: kept for old clients
legacy := 1
`;
const files = {
  "policies/a.rego": policy,
  "policies/a_test.rego":
    'package a_test\n\nimport data.a\n\ntest_x if not a.x with input as {"s": ["🙂"], "t": [], "u": []}\n',
  "policies/sub/b.rego": "package b\n\nx := 1\n",
};

async function run(cwd: string, ...args: string[]): Promise<CliResult> {
  return runCli("rego-coverage", ["--opa", await component("opa"), ...args], { cwd });
}

test("lcov: a row covered in part is not covered", async () => {
  using folder = makeFolder(files);
  const { stdout } = await run(folder.path, "--format", "lcov");
  expect(stdout).toBe(
    "TN:\nSF:policies/a.rego\nDA:3,0\nDA:4,1\nDA:5,0\nDA:6,0\nLF:4\nLH:1\nend_of_record\nTN:\nSF:policies/sub/b.rego\nDA:3,0\nLF:1\nLH:0\nend_of_record\n",
  );
});

/** What the DTD (coverage-04) demands: the elements in their places with all their required attributes. */
const coberturaShape = [
  "coverage branch-rate,branches-covered,branches-valid,complexity,line-rate,lines-covered,lines-valid,timestamp,version",
  "sources ",
  "source ",
  "packages ",
  "package branch-rate,complexity,line-rate,name",
  "classes ",
  "class branch-rate,complexity,filename,line-rate,name",
  "methods ",
  "lines ",
  "line branch,hits,number",
];

/** Each kind of element, in the order of the first of its kind. */
function shape(xml: string): string[] {
  const elements = [...xml.matchAll(/<([a-z]+)((?: [a-z-]+="[^"]*")*)\s*\/?>/g)].map(
    ([, name, attributes = ""]) =>
      `${name} ${[...attributes.matchAll(/ ([a-z-]+)=/g)]
        .map(([, attribute]) => attribute)
        .sort()
        .join()}`,
  );
  return [...new Set(elements)];
}

test("cobertura: names of folders and files are no markup", async () => {
  using folder = makeFolder(
    Object.fromEntries(Object.entries(files).map(([path, text]) => [`a & "b" <c>/${path}`, text])),
  );
  const cwd = join(folder.path, 'a & "b" <c>');
  const { stdout } = await run(cwd, "--format", "cobertura", cwd);
  expect(stdout).toContain("/a &amp; &quot;b&quot; &lt;c&gt;</source>");
  expect(shape(stdout)).toEqual(coberturaShape);
  const above = await run(folder.path, "--format", "cobertura", ".");
  expect(above.stdout).toContain(
    'filename="a &amp; &quot;b&quot; &lt;c&gt;/policies/a.rego" line-rate="0.25"',
  );
  expect(shape(above.stdout)).toEqual(coberturaShape);
});

test("cobertura", async () => {
  using folder = makeFolder(files);
  const { stdout } = await run(folder.path, "--format", "cobertura");
  expect(stdout).toContain('lines-valid="5" lines-covered="1"');
  expect(stdout).toContain('filename="policies/a.rego"');
  expect(stdout).toContain('<line number="5" hits="0" branch="false"/>');
  expect(shape(stdout)).toEqual(coberturaShape);
});

test("GitHub annotations, from the repository's root", async () => {
  using folder = makeFolder({
    ".git/HEAD": "",
    ...Object.fromEntries(Object.entries(files).map(([name, text]) => [`deep/${name}`, text])),
    "deep/policies/c_test.rego": 'package c_test\n\ntest_c if {\n\tprint(100, "%")\n\tfalse\n}\n',
  });
  const { stdout } = await run(join(folder.path, "deep"), "--format", "github");
  expect(stdout.split("\n")).toEqual([
    "::error file=deep/policies/c_test.rego,line=3,title=Rego test failed::data.c_test.test_c%0A100 %25",
    "::error file=deep/policies/a.rego,line=3,endLine=3,title=Missing coverage::no test exercises this",
    "::error file=deep/policies/a.rego,line=5,endLine=6,title=Missing coverage::no test exercises this",
    "::error file=deep/policies/sub/b.rego,line=1,title=Missing coverage::no test touches this policy",
    "::notice file=deep/policies/a.rego,line=10,endLine=10,title=Ignored by rego-coverage::kept for old clients",
    "",
  ]);
});

test("html, with the tests of a line; several formats at once; ignored lines in all", async () => {
  using folder = makeFolder(files);
  const args = [
    "--contexts",
    "--format",
    "text",
    "--format",
    "html=out",
    "--format",
    "json=c.json",
  ];
  const { stdout, stderr } = await run(folder.path, ...args);
  expect(stderr).toBe("rego-coverage: html report: out/index.html\n");
  expect(stdout).toContain("ignored policies/a.rego:10: kept for old clients\n");
  const report = JSON.parse(readFileSync(join(folder.path, "c.json"), "utf8"));
  expect(report.ignored).toEqual([
    {
      file: "policies/a.rego",
      start: { row: 10 },
      end: { row: 10 },
      reason: "kept for old clients",
    },
  ]);
  expect(report.contexts[0]).toEqual({
    file: "policies/a.rego",
    rows: [4, 5].map((row) => ({ row, tests: ["data.a_test.test_x"] })),
  });
  const page = readFileSync(join(folder.path, "out/policies/a.rego.html"), "utf8");
  expect(page).toContain('<span class="cline-any cline-yes" title="data.a_test.test_x">1x</span>');
  expect(page).toContain(
    'indexof("🙂", input.s[0]) == 1; <span class="cstat-no" title="statement not covered" >count(input.t) &gt; 1</span>',
  );
  expect(page).toContain('cline-ignored" title="ignored: kept for old clients"');
});

describe("what cannot be written: one sentence, exit code 2, and nothing is left of it", () => {
  const inFolder = "a file is where a folder is needed; choose another place";
  const nowhere = "its folder does not exist; create it, or choose another place";

  test.each([
    ["text=/dev/full", "/dev/full", "no space left on the device"],
    ["json=none/report", "none/report", nowhere],
    ["lcov=policies", "policies", "it is a folder; name a file in it"],
    ["cobertura=file/report", "file/report", inFolder],
    ["github=/proc/report", "/proc/report", nowhere],
    ["html=/dev/full", "/dev/full", inFolder],
    ["html=/proc/report", "/proc/report", nowhere],
    ["html=file/report", "file/report", inFolder],
    ["html=taken.html", "taken.html", "it is a folder; name a file in it"],
  ])("--format %s", async (format, path, why) => {
    using folder = makeFolder({ ...files, file: "", "taken.html/inside": "" });
    const { code, stdout, stderr } = await run(folder.path, "--format", format);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^rego-coverage: .*\n$/);
    expect(stderr).toContain(`${path}: cannot be written (${why})\n`);
    expect(readdirSync(folder.path).sort()).toEqual(["file", "policies", "taken.html"]);
  });

  test.each(["html=new/out", "html=kept", "html=kept/out.html", "json=kept/report"])(
    "--format %s on a disk that is full",
    async (format) => {
      using folder = makeFolder({ ...files, "kept/index.html": "old" });
      // The shell's limit on a file's size stands for the disk.
      const command = [process.execPath, binOf("rego-coverage"), "--opa", await component("opa")];
      const limited = `trap '' XFSZ; ulimit -f 0; exec ${command.join(" ")} --format ${format}`;
      const { code, stderr } = await startProcess("sh", ["-c", limited], { cwd: folder.path })
        .ended;
      expect({ code, stderr }).toEqual({
        code: 2,
        stderr: expect.stringMatching(/^rego-coverage: \S+: cannot be written \(EFBIG\)\n$/),
      });
      expect(readdirSync(folder.path).sort()).toEqual(["kept", "policies"]);
      expect(readdirSync(join(folder.path, "kept"))).toEqual(["index.html"]);
      expect(readFileSync(join(folder.path, "kept/index.html"), "utf8")).toBe("old");
    },
  );
});

test("html: what else is in the folder stays, and an older report gives way", async () => {
  using folder = makeFolder({ ...files, "out/lcov.info": "TN:", "out/index.html": "old" });
  expect((await run(folder.path, "--format", "html=out")).code).toBe(1);
  const names = readdirSync(join(folder.path, "out"));
  expect(names).toContain("lcov.info");
  expect(names.filter((name) => name.startsWith("."))).toEqual([]);
  expect(readFileSync(join(folder.path, "out/index.html"), "utf8")).toContain("<html");
});
