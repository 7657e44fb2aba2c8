import { styleText } from "node:util";

type Style = Parameters<typeof styleText>[0];

/** Paints a text for the terminal, or gives it back as it is. */
export type Paint = (style: Style, text: string) => string;

/** Leaves every text as it is. */
export const plain: Paint = (_style, text) => text;

/**
 * Colours for a stream: only on a terminal, and never when NO_COLOR is set to anything but "" (no-color.org).
 * FORCE_COLOR, as Node reads it, turns them on where there is no terminal.
 */
export function paintFor(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv): Paint {
  if (env["NO_COLOR"]) return plain;
  const forced = env["FORCE_COLOR"] !== undefined && !["0", "false"].includes(env["FORCE_COLOR"]);
  if (!stream.isTTY && !forced) return plain;
  return (style, text) => styleText(style, text, { validateStream: false });
}
