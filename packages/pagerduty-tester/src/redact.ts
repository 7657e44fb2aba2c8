/**
 * Takes secrets out of a text that came from outside before it is logged, journaled or printed: the token,
 * anything after `Token token=` or `Bearer`, and phone numbers.
 */
export function redact(text: string, secrets: readonly string[] = []): string {
  let clean = text;
  for (const secret of secrets) {
    if (secret !== "") clean = clean.replaceAll(secret, "***");
  }
  return clean
    .replace(/(token=|bearer\s+)[^\s"',;]+/gi, "$1***")
    .replace(/\d{4}-\d\d-\d\d|\+?\d[\d ().-]{6,}\d/g, (number) =>
      isDate.test(number) || number.replace(/\D/g, "").length < 7 ? number : "***",
    );
}

const isDate = /^\d{4}-\d\d-\d\d$/;
