/** The reports there are. */
export const formatNames = ["text", "json", "lcov", "cobertura", "html", "github"] as const;

export type FormatName = (typeof formatNames)[number];
