/** A clock that only moves when everything before has happened, and the dice that decide what happens. */
export interface Clock {
  now(): number;
  /** Calls back after so many milliseconds. */
  after(ms: number, act: () => void): void;
  /** Runs what is planned until nothing is, the time is up, or `done`. */
  run(until: number, done: () => boolean): void;
}

export function createClock(start: number): Clock {
  const heap: { at: number; order: number; act: () => void }[] = [];
  let now = start;
  let order = 0;
  const earlier = (a: (typeof heap)[number], b: (typeof heap)[number]) =>
    a.at < b.at || (a.at === b.at && a.order < b.order);

  function push(item: (typeof heap)[number]): void {
    let at = heap.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!earlier(item, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = item;
  }

  function pop(): (typeof heap)[number] | undefined {
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && earlier(heap[child + 1]!, heap[child]!)) child += 1;
      if (!earlier(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }

  return {
    now: () => now,
    after: (ms, act) => push({ at: now + Math.max(0, ms), order: order++, act }),
    run(until, done) {
      while (!done()) {
        const next = pop();
        if (next === undefined || next.at > until) return;
        now = next.at;
        next.act();
      }
    },
  };
}

/** Random numbers that a seed repeats. */
export interface Dice {
  /** From 0 to below 1. */
  roll(): number;
  /** A whole number of both ends or between. */
  between(low: number, high: number): number;
  chance(probability: number): boolean;
}

/** Mulberry32: https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
export function createDice(seed: number): Dice {
  let state = seed >>> 0;
  const roll = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    roll,
    between: (low, high) => low + Math.floor(roll() * (high - low + 1)),
    chance: (probability) => roll() < probability,
  };
}
