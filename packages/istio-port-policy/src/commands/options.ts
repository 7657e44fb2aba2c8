import type { Option } from "@internal/lib/command";
import { UsageError } from "@internal/lib/errors";
import type { Io } from "@internal/lib/io";
import type { CheckOptions } from "../finding.ts";

/** The options that choose the rule, the same wherever a rule is used. */
export const ruleOptions = {
  rule: {
    value: "istio|name",
    help: "what Istio itself decides (default), or the naming convention",
  },
  "istio-version": {
    value: "V",
    help: "the release of Istio whose rules count; the newest by default",
  },
  protocols: { value: "A,B", help: "rule name: what a name may begin with, parted by commas" },
  "opt-out-label": {
    value: "KEY[=VALUE]",
    help: "the label that takes a namespace out; istio-port-policy=disabled by default",
  },
} satisfies Record<string, Option>;

/** The values of {@link ruleOptions} as the library takes them; one that the rule would pass over is refused. */
export function toCheckOptions(
  values: {
    [K in keyof typeof ruleOptions]?: string;
  },
): CheckOptions {
  const rule = oneOf("rule", values.rule, ["istio", "name"]);
  if (rule !== "name" && values.protocols !== undefined) {
    throw new UsageError(
      "--protocols is for the naming convention; add --rule name, or leave it out",
    );
  }
  if (rule === "name" && values["istio-version"] !== undefined) {
    throw new UsageError(
      "--istio-version changes nothing about --rule name; leave out one of them",
    );
  }
  return {
    rule,
    istioVersion: values["istio-version"],
    protocols: values.protocols?.split(",").map((text) => text.trim()),
    optOutLabel: values["opt-out-label"],
  };
}

/** The kubeconfig's context for `--cluster`; for files it would be passed over in silence. */
export function contextOf(values: { cluster?: boolean; context?: string }): string | undefined {
  const { cluster, context } = values;
  if (context !== undefined && !cluster) {
    throw new UsageError(
      "--context is for the live cluster; leave it out, or the PATH for --cluster",
    );
  }
  return context;
}

/** The value of an option that knows only some; none when it was not given. */
export function oneOf<const V extends string>(
  option: string,
  value: string | undefined,
  known: readonly V[],
): V | undefined {
  if (value === undefined) return undefined;
  const found = known.find((candidate) => candidate === value);
  if (found === undefined) {
    throw new UsageError(`--${option} ${value}: expected ${known.join(" or ")}`);
  }
  return found;
}

/** Tells of a document that a template engine has still to fill in. */
export function noteTemplate(io: Io, file: string, line: number): void {
  io.stderr.write(
    `istio-port-policy: ${file}:${line}: a template, skipped; check what it renders: helm template CHART | istio-port-policy check -\n`,
  );
}
