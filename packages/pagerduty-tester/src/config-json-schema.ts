import { z } from "zod";
import { fullSchema, plainSchema } from "./config-schema.ts";

/** The JSON Schema of both forms of the configuration, for editors. */
export function configJsonSchema(): object {
  const { $schema, ...rest } = z.toJSONSchema(z.union([plainSchema, fullSchema]), { io: "input" });
  return { $schema, title: "Configuration of pagerduty-tester", ...rest };
}
