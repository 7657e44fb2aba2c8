/** What is known about a request that did not succeed. */
export type Outcome =
  /** The server answered, and it did not do what was asked. */
  | "refused"
  /** The request never reached the server. */
  | "not-sent"
  /** Nobody knows whether the server did it. */
  | "unknown";

/**
 * A request to PagerDuty that failed. It carries nothing of the request: no header, no body, no `cause`,
 * because the HTTP library's errors hold the token.
 */
export class PagerDutyError extends Error {
  override name = "PagerDutyError";
  readonly code: string = "PAGERDUTY";
  readonly outcome: Outcome;
  /** The answer's HTTP status, or undefined when there was none. */
  readonly status: number | undefined;
  /** PagerDuty's own error code. */
  readonly apiCode: number | undefined;
  /** All of PagerDuty's explanations, in its words. */
  readonly errors: readonly string[];
  /** Milliseconds after which PagerDuty takes requests again, when it said so. */
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    facts: {
      outcome: Outcome;
      status?: number;
      apiCode?: number | undefined;
      errors?: readonly string[];
      retryAfterMs?: number | undefined;
    },
  ) {
    super(message);
    this.outcome = facts.outcome;
    this.status = facts.status;
    this.apiCode = facts.apiCode;
    this.errors = facts.errors ?? [];
    this.retryAfterMs = facts.retryAfterMs;
  }

  /** PagerDuty is busy, and did nothing. */
  get rateLimited(): boolean {
    return this.status === 429;
  }

  /** The token is wrong, or may not do this. */
  get unauthorized(): boolean {
    return this.status === 401 || this.status === 403;
  }

  /** Nobody was reached who could answer. */
  get unreachable(): boolean {
    return this.status === undefined;
  }

  /**
   * An open incident with the same key exists. Known by its text: the code, 2002, also stands for unknown
   * services and for pages out of range.
   */
  get duplicate(): boolean {
    const said = [this.message, ...this.errors].join(" ");
    return this.status === 400 && /matching (dedup|incident)[ _]key already exists/i.test(said);
  }

  /** The incident was resolved before. */
  get alreadyResolved(): boolean {
    return this.apiCode === 1001 || /already resolved/i.test(this.message);
  }
}
