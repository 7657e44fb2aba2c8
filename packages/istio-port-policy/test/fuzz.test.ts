import { CORE_SCHEMA, loadAll, mergeTag, YAMLException } from "js-yaml";
import { expect, test } from "vitest";
import { checkManifests, fixManifest } from "../src/index.ts";
import { BrokenDocument, parseDocument } from "../src/input/parse.ts";
import { parsePlain } from "../src/input/plain-yaml.ts";
import { type DocumentText, splitDocuments } from "../src/input/split.ts";
import { manifestFrom, numbersFrom } from "./generate.ts";

/** FUZZ_RUNS=100000 and another FUZZ_SEED look further than a test run can. */
const runs = Number(process.env["FUZZ_RUNS"] ?? 2000);
const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const timeout = 60_000 + runs * 50;

const schema = CORE_SCHEMA.withTags(mergeTag);

/** js-yaml's own reading of a whole text; undefined when it refuses it. */
function reference(text: string): unknown[] | undefined {
  try {
    return loadAll(text, { schema, maxDepth: 1000 });
  } catch (error) {
    if (error instanceof YAMLException) return undefined;
    throw error;
  }
}

async function split(text: string): Promise<DocumentText[]> {
  const documents: DocumentText[] = [];
  for await (const document of splitDocuments([text])) documents.push(document);
  return documents;
}

/** Document by document, as a check reads them; undefined when one is broken. */
async function inParts(text: string): Promise<unknown[] | undefined> {
  const documents = await split(text);
  try {
    return documents.map((document) => parseDocument(document.text));
  } catch (error) {
    if (error instanceof BrokenDocument) return undefined;
    throw error;
  }
}

/** Documents without content are null to one reader and nothing to the other. */
const filled = (values: unknown[] | undefined) => values?.filter((value) => value != null);

function* manifests(): Generator<string> {
  const numbers = numbersFrom(seed);
  for (let run = 0; run < runs; run++) yield manifestFrom(numbers);
}

test("a stream parted into documents is read as js-yaml reads it whole", { timeout }, async () => {
  const seen = { read: 0, refused: 0 };
  for (const text of manifests()) {
    // Files put together with their byte order marks: each reader takes them in some places only.
    if (/[\r\n]\ufeff(?!---[ \r\n])/.test(text)) continue;
    const whole = reference(text.replaceAll(/(?<=[\r\n])\ufeff(?=---[ \r\n])/g, ""));
    expect(filled(await inParts(text)), JSON.stringify(text)).toEqual(filled(whole));
    seen[whole === undefined ? "refused" : "read"]++;
  }
  expect(Math.min(seen.read, seen.refused)).toBeGreaterThan(runs / 20);
});

test("the plain reader agrees with js-yaml wherever it answers", { timeout }, async () => {
  let answers = 0;
  for (const text of manifests()) {
    for (const { text: document } of await split(text)) {
      const asItem = document.replaceAll(/^(?=.)/gm, "  ").replace(/^ {2}/, "- ");
      for (const each of [document, asItem]) {
        const plain = parsePlain(each);
        if (plain === undefined) continue;
        answers++;
        expect([plain], JSON.stringify(each)).toEqual(reference(each));
      }
    }
  }
  expect(answers).toBeGreaterThan(runs / 20);
});

test("a check never throws, and every place it names is in the text", { timeout }, async () => {
  let found = 0;
  for (const text of manifests()) {
    const lines = text.replace(/^\ufeff/, "").split("\n");
    const sources = new Map<object, string>();
    const { findings, unreadable } = await checkManifests(["-"], {
      stdin: chunksOf(text),
      onSource: (finding, source) => sources.set(finding, source),
    });
    for (const { line = 1 } of unreadable) expect(line, text).toBeLessThanOrEqual(lines.length);
    for (const finding of findings) {
      const { line = 0, column = 0 } = finding;
      const source = lines[line - 1]?.replace(/\r$/, "");
      expect(sources.get(finding), text).toBe(source);
      expect(column, text).toBeLessThanOrEqual((source ?? "").length + 1);
      found++;
    }
  }
  expect(found).toBeGreaterThan(runs / 10);
});

test("a fix adds appProtocol and changes nothing else", { timeout }, async () => {
  let added = 0;
  for (const text of manifests()) {
    const { text: fixed, ports } = await fixManifest(text);
    const done = ports.filter(({ appProtocol }) => appProtocol !== undefined).length;
    const field = /,?(?:\r?\n *| )"?appProtocol"?: "?(?:grpc|http|https|tcp)"?/g;
    const count = (given: string) => given.match(field)?.length ?? 0;
    expect(count(fixed), text).toBe(count(text) + done);
    if (done === 0) expect(fixed).toBe(text);
    else
      expect(without(filled(await inParts(fixed)))).toEqual(without(filled(await inParts(text))));
    added += done;
  }
  expect(added).toBeGreaterThan(runs / 20);
});

/** The values without any appProtocol; shared parts and circles stay what they are. */
function without(value: unknown, seen = new Map<object, unknown>()): unknown {
  if (typeof value !== "object" || value === null) return value;
  const known = seen.get(value);
  if (known !== undefined) return known;
  const copy: Record<string, unknown> = Array.isArray(value) ? ([] as never) : {};
  seen.set(value, copy);
  for (const [key, field] of Object.entries(value)) {
    if (key !== "appProtocol") copy[key] = without(field, seen);
  }
  return copy;
}

/** A text's bytes in pieces that part characters as well. */
async function* chunksOf(text: string): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += 37) yield bytes.subarray(at, at + 37);
}
