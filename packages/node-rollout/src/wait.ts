/** Why something does not go on, in a form that logs, `status` and metrics share. */
export interface Wait {
  /** `budget`, `blocked`, `terminating`, `retry`, `refused`, `unknown-node`, `other-replica`, `volumes`, `settling`. */
  code: string;
  /** What is waited for: `PodDisruptionBudget shop/web`, `Pod shop/web-1`. */
  object: string;
  /** When this wait began. */
  since: Date;
  message: string;
}
