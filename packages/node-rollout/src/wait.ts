/** Why something does not go on, in a form that logs, `status` and metrics share. */
export interface Wait {
  /**
   * Of a drain: `budget`: it has no room. `blocked`: nothing we do frees it. `refused`: no rights, or a policy.
   * `volumes`: not detached yet. And what passes by itself: `terminating`, `turn` (others go first), `retry`,
   * `settling`. Of an instance besides: `unknown-node`, `other-replica`; `readiness`, of one at the gate.
   */
  code: string;
  /** What is waited for: `PodDisruptionBudget shop/web`, `Pod shop/web-1`. */
  object: string;
  /** When this wait began. */
  since: Date;
  message: string;
}

/** The waits that something or somebody must end; the others pass by themselves. */
export function obstacles(waits: readonly Wait[]): Wait[] {
  return waits.filter(({ code }) => ["budget", "blocked", "refused", "volumes"].includes(code));
}

/** What waits are for, in words, each once: a hundred pods may wait for one budget. */
export function reasonsOf(waits: readonly Wait[]): string[] {
  return [...new Set(waits.map(({ object, message }) => `${object}: ${message}`))];
}
