/** A change to a policy that no test noticed. */
export interface Survivor {
  file: string;
  row: number;
  column: number;
  operator: string;
  original: string;
  changed: string;
  /** Whether a test evaluates the changed part at all. */
  reached: boolean;
  /** Why the source says that this is fine. */
  accepted?: string;
}

/** What became of the changes to the policies. */
export interface MutationReport {
  /** Percent of the changes that count which a test noticed. */
  score: number;
  killed: number;
  /** Noticed because a test no longer ended. */
  timedOut: number;
  survived: number;
  /** Survivors that a pragma accepts; they do not count. */
  accepted: number;
  /** Changes that do not compile, or mean the same; they do not count. */
  invalid: number;
  equivalent: number;
  /** Tests that were evaluated against changes, all together. */
  testsRun: number;
  survivors: Survivor[];
}
