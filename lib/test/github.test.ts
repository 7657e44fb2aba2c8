import { expect, it } from "vitest";
import { renderAnnotation } from "../src/github.ts";

it("escapes what GitHub would take for the end of a property or of the line", () => {
  const text = renderAnnotation({
    level: "warning",
    file: "a,b:c%.yaml",
    line: 3,
    col: undefined,
    title: "one: two",
    message: "100 %, see:\r\nthere",
  });
  expect(text).toBe(
    "::warning file=a%2Cb%3Ac%25.yaml,line=3,title=one%3A two::100 %25, see:%0D%0Athere",
  );
});
