import { z } from "zod";
import { configSchema } from "./config.ts";

/** The JSON Schema of the daemon's configuration, for editors. */
export function configJsonSchema(): object {
  return z.toJSONSchema(configSchema, { io: "input" });
}
