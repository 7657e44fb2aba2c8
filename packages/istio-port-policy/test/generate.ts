/** A stream of numbers from 0 to 1 that is the same in every run. */
export function* numbersFrom(seed: number): Generator<number, never> {
  let state = seed;
  for (;;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state / 2 ** 32;
  }
}

type Numbers = Generator<number, never>;

function pick<T>(numbers: Numbers, list: readonly T[]): T {
  return list[Math.floor(numbers.next().value * list.length)] as T;
}

const names = ["http", "x-grpc", "web", "tcp", "otlp-grpc", "''", '"grpc"', "null", "~", "8080"];
const numbers80 = ["80", "443", "5432", "1", '"80"', "0x50", "1.5", "null", ""];
const comments = ["", "", "", " # note", "   # x: y"];

/** One port, in a line or in several. */
function portFrom(numbers: Numbers, indent: string): string {
  const name = pick(numbers, names);
  const number = pick(numbers, numbers80);
  const comment = pick(numbers, comments);
  return pick(numbers, [
    `${indent}- name: ${name}${comment}\n${indent}  port: ${number}\n`,
    `${indent}- port: ${number}\n${indent}  name: ${name}${comment}\n`,
    `${indent}- port: ${number}${comment}\n`,
    `${indent}- {name: ${name}, port: ${number || 1}}${comment}\n`,
    `${indent}- { "name": "web", "port": 80 }\n`,
    `${indent}-   name:   ${name}\n\n${indent}    port: ${number}\n`,
    `${indent}- &p\n${indent}  port: 80\n${indent}- *p\n`,
    `${indent}- <<: {port: 80}\n${indent}  name: ${name}\n`,
  ]);
}

function serviceFrom(numbers: Numbers): string {
  const indent = pick(numbers, ["  ", "    "]);
  const deep = pick(numbers, ["", "  "]);
  const ports = Array.from({ length: pick(numbers, [1, 2, 3]) }, () =>
    portFrom(numbers, indent + deep),
  ).join("");
  const metadata = pick(numbers, [
    `metadata:\n${indent}name: a\n${indent}namespace: b\n`,
    "metadata: {name: a, labels: {app: x}}\n",
    `metadata:\n${indent}name: "a b" # c\n${indent}annotations:\n${indent}  note: |\n${indent}    ---x\n${indent}    y\n`,
    `metadata:\n${indent}name: a\n${indent}labels:\n${indent}  on: "yes"\n${indent}  v: v1.2\n`,
    "",
  ]);
  return `kind: Service\n${metadata}spec:\n${indent}ports:${pick(numbers, comments)}\n${ports}`;
}

const others = [
  "kind: Namespace\nmetadata: {name: b, labels: {istio-port-policy: disabled}}\n",
  "data:\n  a: foo bar\n  b: [x, y]\n  c: []\n  d: {}\n  e: 10m\n  f: a:b\nargs:\n- one\n- --two=3\n- k: v\n  l: w\n-\n  - nested\n",
  "# only a comment\n",
  "text: 'it''s'\nmore: \"tab\\t\"\nfolded: >-\n  a\n\n  b\n",
  '{"kind": "Service", "spec": {"ports": [{"name": "x-grpc", "port": 1}]}}\n',
  "- a\n- b: c\n",
  "a:\n    b:\n     c: d\n    e: 1\nf:\n",
  "",
];
const marks = ["---\n", "---\n", "--- # next\n", "...\n", "...\n---\n", "\ufeff---\n", "--- \r\n"];
const pieces = [
  ...[
    "\n",
    " ",
    "  ",
    "-",
    "- ",
    ":",
    ": ",
    "#",
    " #",
    "'",
    '"',
    "{",
    "}",
    "[",
    "]",
    ",",
    "&a ",
    "*a",
  ],
  ...["|", ">", "?", "? ", "%", "@", "`", "\t", "\r", "\ufeff", "---\n", "...\n", "null"],
  ...["true", "1", "~", "<<: ", "é", "\u2028", "\u0085", "\ud83d\ude00", "\u0007", "a", "a: b\n"],
];

/** Cuts something out, puts something in, or repeats a part. */
function damage(text: string, numbers: Numbers): string {
  const at = Math.floor(numbers.next().value * (text.length + 1));
  const to = Math.min(text.length, at + pick(numbers, [1, 1, 2, 5, 20]));
  return pick(numbers, [
    () => text.slice(0, at) + text.slice(to),
    () => text.slice(0, at) + pick(numbers, pieces) + text.slice(at),
    () => text.slice(0, at) + pick(numbers, pieces) + text.slice(to),
    () => text.slice(0, to) + text.slice(at),
  ])();
}

/** A stream of some documents, half of the time damaged in a few places. */
export function manifestFrom(numbers: Numbers): string {
  let text = "";
  for (let left = pick(numbers, [1, 2, 3]); left > 0; left--) {
    if (text !== "" || pick(numbers, [true, false])) text += pick(numbers, marks);
    text += pick(numbers, [true, true, false]) ? serviceFrom(numbers) : pick(numbers, others);
  }
  for (let left = pick(numbers, [0, 0, 0, 1, 1, 2, 4]); left > 0; left--)
    text = damage(text, numbers);
  if (pick(numbers, [0, 0, 0, 1]) === 1) text = text.replaceAll("\n", "\r\n");
  return (pick(numbers, [0, 0, 0, 0, 1]) === 1 ? `\ufeff${text}` : text).toWellFormed();
}
