/** How something that the daemon needs all the time stands: the API server, the queue. */
export interface Standing {
  /** What is wrong with it now; undefined while it answers. */
  problem(): string | undefined;
  /** @returns whether it had failed since it answered last */
  answered(): boolean;
  /**
   * @param isRefusal it does not accept us, and asking again does not change that
   * @param now milliseconds
   * @returns whether it has done nothing but refuse for a minute
   */
  failed(message: string, isRefusal: boolean, now?: number): boolean;
}

/** Credentials may be refused for a while, when a role was made a moment ago. */
const patienceMs = 60_000;

/**
 * @param never what is wrong until its first answer
 * @param lost what is wrong when it has answered before and fails now
 */
export function createStanding(never: string, lost: string): Standing {
  let state: "new" | "good" | "failing" = "new";
  let words = never;
  let detail = "";
  let refusedSince: number | undefined;
  return {
    problem: () => (state === "good" ? undefined : `${words}${detail}`),
    answered() {
      const hadFailed = state === "failing";
      state = "good";
      words = lost;
      refusedSince = undefined;
      return hadFailed;
    },
    failed(message, isRefusal, now = Date.now()) {
      state = "failing";
      detail = `: ${message}`;
      if (!isRefusal) refusedSince = undefined;
      else refusedSince ??= now;
      return refusedSince !== undefined && now - refusedSince >= patienceMs;
    },
  };
}
