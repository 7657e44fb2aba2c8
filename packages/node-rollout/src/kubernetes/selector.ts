import type { LabelSelector } from "./objects.ts";

/**
 * Whether a label selector chooses an object with these labels, as Kubernetes decides it: null chooses
 * nothing, an empty selector everything.
 */
export function selects(selector: LabelSelector | null, labels: Record<string, string>): boolean {
  if (selector === null) return false;
  const { matchLabels, matchExpressions } = selector;
  return (
    Object.entries(matchLabels ?? {}).every(([key, value]) => labels[key] === value) &&
    (matchExpressions ?? []).every(({ key, operator, values = [] }) => {
      const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
      switch (operator) {
        case "In":
          return value !== undefined && values.includes(value);
        case "NotIn":
          return value === undefined || !values.includes(value);
        case "Exists":
          return value !== undefined;
        case "DoesNotExist":
          return value === undefined;
        default:
          return false;
      }
    })
  );
}
