import type { Component } from "./catalogue.ts";

/** Nothing can provide a component; the message says how to get it. */
export class MissingComponentError extends Error {
  override name = "MissingComponentError";
  readonly code = "MISSING_COMPONENT";

  constructor(component: Component, why: string) {
    const { name, version } = component;
    super(
      `${name} ${version} is not here: ${why}. Install Go (https://go.dev/dl) and it is built, ` +
        `or set ${variableOf(name)} to a program of yours`,
    );
  }
}

/** The environment variable that names one's own program: `TEST_ASSET_KUBE_APISERVER`. */
export function variableOf(name: string): string {
  return `TEST_ASSET_${name.toUpperCase().replaceAll("-", "_")}`;
}
