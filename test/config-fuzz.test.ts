import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ConfigError, parseConfig } from "../lib/src/yaml-config.ts";
import { configSchema as rolloutSchema } from "../packages/node-rollout/src/config.ts";
import { configSchema as peopleSchema } from "../packages/pagerduty-tester/src/config-schema.ts";
import { between, pick, type Random, randomOf } from "./random.ts";

/** More by hand: `FUZZ_RUNS=100000 FUZZ_SEED=7 npx vitest run --project unit test/config-fuzz.test.ts`. */
const runs = Number(process.env["FUZZ_RUNS"] ?? 1500);
const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const timeout = 60_000 + runs * 50;

const example = (path: string) => {
  return readFileSync(new URL(`../packages/${path}`, import.meta.url), "utf8");
};
const everySetting = `service: PTEST
from: tester@example.com
region: eu
catchUp: 10m
maxLateness: 90s
escalation: {webhook: "https://example.com/hook", on: [late, no-response]}
roster:
  teams: [PTEAM]
users:
  - &ada
    name: Ada
    id: PADA001
    cron: "0 9 * * * UTC"
    doNotDisturb: "22:00-07:00"
  - {name: Bo, id: PBO, cron: "0 9 L * *", timeZone: Asia/Kolkata, verifyMinutes: 5}
`;
const gate = `queueUrl: https://example.com/queue
groups:
  - workers
readiness:
  conditions: [{type: Ready, status: "True"}]
  stableSeconds: 1.5
  daemonSets:
    - namespace: kube-system
      name: agent
kubernetes: {qps: 10, burst: 20}
webhook: {url: "https://example.com/hook"}
`;
const configurations = [
  { schema: peopleSchema, texts: [example("pagerduty-tester/examples/people.yaml"), everySetting] },
  { schema: rolloutSchema, texts: [example("node-rollout/examples/node-rollout.yaml"), gate] },
];

/** Nine lists of nine, each of the one before: some 400 million words if it is believed. */
const bomb = ["&a0 [x,x,x,x,x,x,x,x,x]", ..."12345678"]
  .map((name, at) => (at === 0 ? `a0: ${name}` : `a${at}: &a${at} [${`*a${at - 1},`.repeat(9)}]`))
  .join("\n");
const hostile = [
  ...[
    "*ada",
    "*nobody",
    "&ada ",
    "<<: *ada",
    "? [a, b]\n: c\n",
    "? {a: b}\n",
    "!!binary aGk=",
    "!x ",
  ],
  ...[
    "!!set {a}",
    "!!timestamp 2001-12-14",
    "---\n",
    "...\n",
    "%YAML 9.9\n",
    "{",
    "}",
    "[",
    "]",
    ",",
  ],
  ...['"', "'", "|", ">-", "#", ":", "- ", "\t", "\r", "\0", "\ufeff", "\u2028", "\ud800", "\n  "],
  ...[
    "__proto__: ",
    "__proto__: {polluted: true}\n",
    "constructor: ",
    '"a\\nb": ',
    "null",
    "~",
    "true",
  ],
  ...["1e999", "-.inf", ".nan", "-1", "0", "0x7fffffffffffffff", "9".repeat(400), "1_000", "0o17"],
  ...[
    "x".repeat(5_000),
    "[".repeat(3_000),
    "{a: ".repeat(3_000),
    "- ".repeat(3_000),
    `\n${bomb}\n`,
  ],
];

/** A good text with some of it taken out, doubled, replaced, or the worst put into it. */
function mutate(random: Random, text: string): string {
  const at = between(random, 0, text.length);
  const end = Math.min(text.length, at + between(random, 0, 20));
  const value = [...text.matchAll(/(?<=[:-] )[^\n]+/g)];
  const lines = text.split("\n");
  const line = between(random, 0, lines.length - 1);
  switch (between(random, 0, 6)) {
    case 0:
      return text.slice(0, at) + text.slice(end);
    case 1:
      return text.slice(0, at) + pick(random, hostile) + text.slice(at);
    case 2:
      return lines.toSpliced(line, 0, pick(random, lines)).join("\n");
    case 3:
      return lines
        .with(line, `${" ".repeat(between(random, 0, 9))}${lines[line]?.trim()}`)
        .join("\n");
    case 4:
      return text.slice(0, at);
    case 5:
      return Array.from({ length: between(random, 0, 60) }, () =>
        String.fromCodePoint(between(random, 0, random() < 0.9 ? 127 : 0xffff)),
      ).join("");
    default: {
      if (value.length === 0) return text;
      const { index, 0: old } = pick(random, value);
      return text.slice(0, index) + pick(random, hostile) + text.slice(index + old.length);
    }
  }
}

type Parse = (text: string, schema: (typeof configurations)[number]["schema"]) => void;

/** What came of so many texts: read, refused in the promised form, or the first that is neither. */
function attempt(read: Parse) {
  const random = randomOf(seed);
  const seen = { read: 0, refused: 0 };
  for (let run = 0; run < runs; run++) {
    const { schema, texts } = pick(random, configurations);
    let text = pick(random, texts);
    for (let times = between(random, 1, 3); times > 0; times--) text = mutate(random, text);
    try {
      read(text, schema);
      seen.read++;
    } catch (error) {
      if (!isPromised(error, text)) return { ...seen, broken: { run, text, error } };
      seen.refused++;
    }
  }
  return { ...seen, broken: undefined };
}

/** One sentence a mistake, each with a place that the text has. */
function isPromised(error: unknown, text: string): boolean {
  if (!(error instanceof ConfigError)) return false;
  const lines = text.split("\n").length;
  return error.message.split("\n").every((sentence) => {
    const [, line, column] = sentence.match(/^people\.yaml:(\d+):(\d+): \P{Cc}+$/u) ?? [];
    return Number(line) >= 1 && Number(line) <= lines && Number(column) >= 1;
  });
}

test(`whatever a configuration says, it is read or refused with its place (FUZZ_SEED=${seed})`, {
  timeout,
}, () => {
  const { read, refused, broken } = attempt((text, schema) => {
    const { value, placeOf } = parseConfig<object>(text, "people.yaml", schema as never);
    expect(placeOf(["users", 0, "cron"]).line).toBeGreaterThan(0);
    JSON.stringify(value);
  });
  expect(broken).toBeUndefined();
  expect(Math.min(read, refused)).toBeGreaterThan(runs / 20);
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});

test.each<[string, (error: Error) => Error]>([
  ["throws what nobody promised", ({ message }) => new TypeError(message)],
  ["forgets the place", ({ message }) => new ConfigError(message.replace(/^\S+ /, ""))],
])("a reader that %s is found out", { timeout }, (_, planted) => {
  const { broken } = attempt((text, schema) => {
    try {
      parseConfig<object>(text, "people.yaml", schema as never);
    } catch (error) {
      throw planted(error as Error);
    }
  });
  expect(broken).toBeDefined();
});
