import type { Run } from "./run.ts";

/** What a tester tells while it works. */
export type TesterEvent =
  /** An incident was created, or found to have been created before. */
  | { type: "paged"; run: Run; found: boolean }
  /** Something failed and is tried again. */
  | { type: "retry"; run: Run; reason: string; inMs: number }
  | { type: "verdict"; run: Run }
  | { type: "escalated"; run: Run }
  | { type: "escalation-failed"; run: Run; reason: string }
  /** An incident of ours that an earlier process left open was resolved. */
  | { type: "cleaned-up"; incidentId: string; key: string }
  /** Something failed that no run waits for. */
  | { type: "trouble"; reason: string };

export type OnEvent = (event: TesterEvent) => void;
