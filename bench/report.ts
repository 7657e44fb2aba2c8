import { cpus, totalmem } from "node:os";
import { formatTable } from "@internal/lib/table";

/** One measured claim beside its budget. A gated one fails the benchmark, a reported one is only printed. */
export interface Claim {
  claim: string;
  /** What we measured, with its unit: `0.31 s`. */
  ours: string;
  /** The peer in the same run: `gator test 4.1 s`. */
  peer?: string;
  /** The figure that the budget is about: `13.2×`. */
  figure?: string;
  budget: string;
  gated: boolean;
  met: boolean;
}

/** Prints the claims as a table with the machine they were measured on; a gated miss makes the process exit 1. */
export function printClaims(title: string, claims: readonly Claim[]): void {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const machine = `${cpus().length} × ${cpu?.model.trim() || process.arch}, ${memory} GiB, Node ${process.version}`;
  const rows = claims.map(({ claim, ours, peer, figure, budget, gated, met }) => [
    claim,
    ours,
    peer ?? "",
    figure ?? "",
    budget,
    `${met ? "met" : "MISSED"}${gated ? "" : " (reported)"}`,
  ]);
  console.log(`\n${title}\n${machine}\n`);
  console.log(formatTable([["claim", "ours", "peer", "figure", "budget", ""], ...rows]).join("\n"));
  if (claims.some(({ gated, met }) => gated && !met)) process.exitCode = 1;
}

/** The middle of the samples. */
export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}
