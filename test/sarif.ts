import { Ajv } from "ajv";
import schema from "./fixtures/sarif-2.1.0-rtm.5.json" with { type: "json" };

// Draft 4 to the letter, but what it uses of it means the same to a validator of draft 7. One of its patterns is
// none with the flag u.
const { $schema, id, ...rules } = schema;
const options = { allErrors: true, strict: false, validateFormats: false, unicodeRegExp: false };
const validate = new Ajv(options).compile(rules);

/** What the schema of SARIF 2.1.0 has against a log; nothing when it is valid. */
export function sarifProblems(text: string): string[] {
  validate(JSON.parse(text));
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}
