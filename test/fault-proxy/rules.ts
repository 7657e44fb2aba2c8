/** What goes wrong with a request. Whatever the fault, the rest of the way is real. */
export type Fault =
  /** Forwarded later. */
  | { kind: "delay"; ms: number }
  /** The connection is cut, and the server never hears of the request. */
  | { kind: "cut-before" }
  /** The server does what was asked; then the connection is cut instead of its answer. */
  | { kind: "cut-after" }
  /** The proxy answers by itself; the server never hears of the request. */
  | { kind: "answer"; status: number; headers?: Record<string, string>; body?: string | object }
  /** Nobody answers, the connection stays open, and the server never hears of the request. */
  | { kind: "black-hole" }
  /** The server does what was asked; its answer never comes, and the connection stays open. */
  | { kind: "swallow" }
  /** The answer's body comes in pieces of so many bytes, with a pause after each. */
  | { kind: "slow-body"; bytes: number; everyMs: number }
  /** The answer stops after so many bytes of its body, and the connection stays open: a stopped watch. */
  | { kind: "freeze"; afterBytes: number };

/** Which requests. What is left out fits all. */
export interface Route {
  method?: string;
  /** A part of the path with its query, or a pattern for it. */
  path?: string | RegExp;
  /** Only the n-th of the requests that fit, or these; the first one after the call of `on` is 1. */
  nth?: number | readonly number[];
}

/** One request on its way through the proxy, and what became of it. Instants are ms since the epoch. */
export interface Exchange {
  /** The proxy's own count, from 1. */
  index: number;
  method: string;
  /** With its query. */
  path: string;
  headers: Record<string, string | string[] | undefined>;
  body: string;
  /** The fault that met it. */
  fault?: Fault;
  receivedAt: number;
  forwardedAt?: number;
  /** When the server's status arrived: by then it has done what was asked. */
  answeredAt?: number;
  endedAt?: number;
  /** The server's status, or the proxy's own; none while and when there is no answer. */
  status?: number;
}

/** A fault, or a function that looks at the request and decides; undefined lets it pass. */
export type FaultOrChoice = Fault | ((exchange: Exchange) => Fault | undefined);

/** Whether a request fits the route, its count aside. */
export function fits({ method, path }: Route, exchange: Exchange): boolean {
  if (method !== undefined && method !== exchange.method) return false;
  if (path === undefined) return true;
  return typeof path === "string" ? exchange.path.includes(path) : path.test(exchange.path);
}

/** The rules in their order: the first that fits a request decides. */
export class Rules {
  readonly #rules = new Set<{ route: Route; fault: FaultOrChoice; seen: number }>();

  /** @returns how to take the rule away */
  add(route: Route, fault: FaultOrChoice): () => void {
    const rule = { route, fault, seen: 0 };
    this.#rules.add(rule);
    return () => this.#rules.delete(rule);
  }

  clear(): void {
    this.#rules.clear();
  }

  /** Counts the request in every rule that it fits. */
  choose(exchange: Exchange): Fault | undefined {
    let chosen: Fault | undefined;
    for (const rule of this.#rules) {
      if (!fits(rule.route, exchange)) continue;
      rule.seen += 1;
      const { nth } = rule.route;
      if (chosen !== undefined || (nth !== undefined && ![nth].flat().includes(rule.seen)))
        continue;
      chosen = typeof rule.fault === "function" ? rule.fault(exchange) : rule.fault;
    }
    return chosen;
  }
}
