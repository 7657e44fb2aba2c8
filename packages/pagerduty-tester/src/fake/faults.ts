/** One line of a fault script: what happens to which request. */
export interface FakeFault {
  method?: string;
  /** Matches requests whose path begins with it. */
  path?: string;
  /** Matches requests that have it in their query or body: a person's id, a key. */
  text?: string;
  /** Spares so many matching requests first. @default 0 */
  skip?: number;
  /** How many it strikes. @default 1 */
  times?: number;
  /** Milliseconds to wait before anything else. */
  delayMs?: number;
  /** Answers with this status instead of doing what was asked. */
  status?: number;
  headers?: Record<string, string>;
  /** The body of that answer: JSON, or a text as it is. */
  body?: unknown;
  /** Cuts the connection before the request is looked at, or after it was done. */
  cut?: "before" | "after";
  /** Does what was asked and answers with half of the body, or lets it trickle and never ends it. */
  answer?: "half" | "trickle";
}

/** The faults still to come; each request takes at most one. */
export function faultScript(faults: FakeFault[] = []): {
  add(...more: FakeFault[]): void;
  take(method: string, path: string, content: string): FakeFault | undefined;
} {
  const left = faults.map(armed);
  return {
    add: (...more) => left.push(...more.map(armed)),
    take(method, path, content) {
      for (const entry of left) {
        const { fault } = entry;
        if (fault.method !== undefined && fault.method !== method) continue;
        if (fault.path !== undefined && !path.startsWith(fault.path)) continue;
        if (fault.text !== undefined && !content.includes(fault.text)) continue;
        if (entry.times === 0) continue;
        if (entry.skip > 0) {
          entry.skip -= 1;
          continue;
        }
        entry.times -= 1;
        return fault;
      }
      return undefined;
    },
  };
}

function armed(fault: FakeFault): { fault: FakeFault; skip: number; times: number } {
  return { fault, skip: fault.skip ?? 0, times: fault.times ?? 1 };
}
