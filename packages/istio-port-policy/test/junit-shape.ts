/** What Jenkins' junit-10.xsd allows of the elements we write: attributes (`!` is required) and children. */
const elements: Record<string, { attributes: string[]; children: string[]; text?: boolean }> = {
  testsuites: { attributes: [], children: ["testsuite"] },
  testsuite: { attributes: ["name!", "tests!", "failures!", "errors!"], children: ["testcase"] },
  testcase: {
    attributes: ["name!", "classname", "time"],
    children: ["failure", "error", "system-out"],
  },
  failure: { attributes: ["type", "message"], children: [], text: true },
  error: { attributes: ["type", "message"], children: [], text: true },
  "system-out": { attributes: [], children: [], text: true },
};

const token =
  /<\?xml [^?]*\?>|<(?<close>\/?)(?<name>[\w-]+)(?<attributes>(?: [\w-]+="[^"<]*")*)(?<empty>\/?)>|(?<text>[^<]+)|(?<other>.)/gsu;
const notXml =
  /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]|&(?!(?:amp|lt|gt|quot|#10);)|\]\]>/u;

/** What is wrong with a JUnit report: not well-formed, or not of the schema's shape. */
export function junitProblems(xml: string): string[] {
  const problems: string[] = notXml.test(xml) ? ["characters or entities that XML has not"] : [];
  const open: string[] = [];
  for (const { groups = {} } of xml.matchAll(token)) {
    const { close, name = "", attributes = "", empty, text, other } = groups;
    const parent = elements[open.at(-1) ?? ""];
    if (other !== undefined) problems.push(`stray ${other}`);
    if (text?.trim() && !parent?.text) problems.push(`text in ${open.at(-1)}`);
    if (!groups["name"]) continue;
    if (close) {
      if (open.pop() !== name) problems.push(`</${name}> closes another`);
      continue;
    }
    const allowed = open.length === 0 ? ["testsuites"] : (parent?.children ?? []);
    if (!allowed.includes(name)) problems.push(`${name} in ${open.at(-1)}`);
    const known = elements[name]?.attributes ?? [];
    const given = [...attributes.matchAll(/ ([\w-]+)=/g)].map(([, key]) => key);
    for (const key of given)
      if (!known.some((k) => k.replace("!", "") === key)) problems.push(`${name} ${key}`);
    for (const key of known)
      if (key.endsWith("!") && !given.includes(key.slice(0, -1)))
        problems.push(`${name} without ${key}`);
    if (!empty) open.push(name);
  }
  return [...problems, ...open.map((name) => `${name} is left open`)];
}
