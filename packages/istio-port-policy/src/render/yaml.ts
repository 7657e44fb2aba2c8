import { DEFAULT_SCALAR_STYLE_RULES, dump } from "js-yaml";
import type { KubernetesObject } from "./kubernetes.ts";

/** All but the rule that quotes texts with tabs: Rego is indented by them, and is to be read. */
const { doubleQuoteForInvisibles: _, ...styleRules } = DEFAULT_SCALAR_STYLE_RULES;
const scalarStyleRules = Object.values(styleRules);

/** Kubernetes objects as one stream of YAML documents, their fields in the order they were written in. */
export function toYaml(objects: readonly KubernetesObject[]): string {
  return objects
    .map((object) => dump(object, { noRefs: true, lineWidth: -1, scalarStyleRules }))
    .join("---\n");
}
