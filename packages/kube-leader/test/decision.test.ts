import { describe, expect, test, vi } from "vitest";
import { beginning, type Decision, decide, type Knowledge, learn } from "../src/decision.ts";
import type { Lock } from "../src/lock.ts";
import { explore, type Protocol, type World } from "./explorer.ts";

// Every state of a model is visited: seconds of work, more on a busy machine.
vi.setConfig({ testTimeout: 300_000 });

const real: Protocol = { beginning, learn, decide };

const releases: World = { releases: true, brokenWatch: true };

function findings(world: World, protocol: Protocol = real) {
  return explore({ protocol, world }, { stopAtFirst: true }).findings;
}

describe("in every reachable state at most one living pod leads", () => {
  test.each<[string, World]>([
    ["pods end, the collector is late, a pod's name comes back", { sameName: true }],
    ["news pile up before they are read", { sameName: true, batches: true }],
    ["answers to writes get lost", { lostAnswers: true }],
    ["leaders release the lock and try again, and a watch breaks", releases],
    ["a watch breaks", { brokenWatch: true }],
    ["minimal rights, and nobody removes a lock", { pods: false, sameName: true }],
    ["deletion in the foreground, with a selector", { foreground: true, selector: true }],
  ])("%s", (_, world) => {
    const { states, led, findings } = explore({ protocol: real, world });
    expect(findings.map(({ trace }) => trace)).toEqual([]);
    expect([states > 500, led > 50]).toEqual([true, true]);
  });
});

describe("where two leaders are possible", () => {
  const everything: World = {
    ...{ foreground: true, byHand: true, sameName: true },
    ...{ lostAnswers: true, brokenWatch: true },
  };
  test.each<[string, World, number | undefined]>([
    ["deletion in the foreground", { foreground: true }, undefined],
    ["a lock removed by hand", { byHand: true }, undefined],
    ["everything at once, up to thirteen steps", everything, 13],
  ])("%s: only one that never saw the lock", (_, world, steps) => {
    const { findings } = explore({ protocol: real, world }, steps === undefined ? {} : { steps });
    expect(findings.length).toBeGreaterThan(0);
    expect(findings.filter(({ neverSaw }) => !neverSaw)).toEqual([]);
  });

  test("minimal rights: also one that saw it", () => {
    const { findings } = explore({ protocol: real, world: { foreground: true, pods: false } });
    expect(findings.filter(({ neverSaw }) => !neverSaw).length).toBeGreaterThan(0);
  });

  test("force delete", () => {
    expect(findings({ forceDelete: true })).not.toEqual([]);
  });
});

describe("a planted defect is found", () => {
  const namesCompared: Protocol = {
    ...real,
    decide: (knowledge) => {
      const { lock, me } = knowledge;
      const isMine = typeof lock !== "string" && "pod" in lock.owner && lock.owner.pod === me.pod;
      return decide(isMine ? { ...knowledge, lock: { ...lock, owner: me } } : knowledge);
    },
  };
  const deletedTrusted: Protocol = {
    ...real,
    learn: (knowledge, seen) => {
      const learned = learn(knowledge, seen);
      return learned.lock === "none" ? { ...learned, holders: new Map() } : learned;
    },
  };
  const ownLockSuffices: Protocol = {
    ...real,
    decide: (knowledge) => {
      const { lock, me } = knowledge;
      const isMine = typeof lock !== "string" && "uid" in lock.owner && lock.owner.uid === me.uid;
      return decide(isMine ? { ...knowledge, holders: new Map() } : knowledge);
    },
  };

  const podNewsByName: Protocol = {
    ...real,
    learn: (knowledge, seen) => {
      const learned = learn(knowledge, seen);
      if (seen.of !== "pod") return learned;
      return [...learned.holders]
        .filter(([, { pod }]) => pod === seen.holder.pod)
        .reduce(
          (known, [uid, { pod }]) => learn(known, { ...seen, holder: { pod, uid } }),
          learned,
        );
    },
  };

  const releasedForEver: Protocol = {
    ...real,
    learn: (knowledge, seen) => {
      const learned = learn(knowledge, seen);
      const lock = seen.of === "lock" ? seen.lock : "none";
      const uid = lock !== "none" && "uid" in lock.owner ? lock.owner.uid : "";
      const known = knowledge.holders.get(uid);
      if (known?.fate !== "released") return learned;
      return { ...learned, holders: new Map(learned.holders).set(uid, known) };
    },
  };

  test.each<[string, World, Protocol]>([
    ["who released the lock once is thought to never lead again", releases, releasedForEver],
    ["pod news applied by name", { sameName: true, batches: true }, podNewsByName],
    [
      "pod news applied by name, from a watch that goes on",
      { sameName: true, followsByName: true },
      podNewsByName,
    ],
    ["names compared instead of uids", { sameName: true }, namesCompared],
    ["take-over by update", { sameName: true, takesOver: true }, real],
    ["delete without preconditions", { sameName: true, deletesByName: true }, real],
  ])("%s", (_, world, protocol) => {
    expect(findings(world, protocol)).not.toEqual([]);
  });

  test.each([
    ["DELETED trusted", deletedTrusted],
    ["a lock of one's own thought to suffice", ownLockSuffices],
  ])("%s: two leaders although the second saw the first one's lock", (_, protocol) => {
    const { findings } = explore({ protocol, world: { foreground: true } });
    expect(findings.some(({ neverSaw }) => !neverSaw)).toBe(true);
  });
});

describe("a candidate decides", () => {
  const me = { pod: "a-1", uid: "me" };
  const other = { pod: "a-0", uid: "other" };
  const lockOwnedBy = (owner: Lock["owner"], deleting = false): Lock => ({
    uid: "lock",
    resourceVersion: "7",
    createdAt: "2026-01-01T00:00:00Z",
    deleting,
    released: false,
    owner,
  });
  const knows = (...seen: Parameters<typeof learn>[1][]): Knowledge =>
    seen.reduce(learn, beginning(me, { selector: false }));
  const held = { of: "lock", lock: lockOwnedBy(other) } as const;
  const mine = { of: "lock", lock: lockOwnedBy(me) } as const;
  const podNews = { of: "pod", holder: other, uid: other.uid, finished: false } as const;

  test.each<[string, Knowledge, Decision["do"]]>([
    ["nothing is known", knows(), "read"],
    ["no lock", knows({ of: "lock", lock: "none" }), "create"],
    ["held", knows(held), "wait"],
    ["its pod is gone", knows(held, { ...podNews, uid: undefined }), "give-time"],
    ["its name is another pod's", knows(held, { ...podNews, uid: "third" }), "give-time"],
    ["its pod has finished", knows(held, { ...podNews, finished: true }), "remove"],
    [
      "nobody collects it",
      knows(held, { ...podNews, uid: undefined }, { of: "overdue", uid: "lock" }),
      "remove",
    ],
    ["it vanished, its pod lives", knows(held, podNews, { of: "deleted", uid: "lock" }), "wait"],
    ["another lock was deleted", knows(mine, { of: "deleted", uid: "old" }), "look-at-self"],
    [
      "it was released",
      knows({ of: "lock", lock: { ...lockOwnedBy(other), released: true } }),
      "remove",
    ],
    [
      "it was released and is held again",
      knows({ of: "lock", lock: { ...lockOwnedBy(other), released: true } }, held),
      "wait",
    ],
    [
      "I released it",
      knows({ of: "lock", lock: { ...lockOwnedBy(me), released: true } }),
      "remove",
    ],
    ["a write was unclear", knows(held, { of: "unclear" }), "read"],
    ["mine", knows(mine, { of: "self", self: "alive" }), "lead"],
    ["mine, but this pod ends", knows(mine, { of: "self", self: "ending" }), "step-down"],
    ["mine, being deleted", knows({ of: "lock", lock: lockOwnedBy(me, true) }), "wait"],
    ["foreign", knows({ of: "lock", lock: lockOwnedBy({ foreign: "no" }) }), "refuse"],
  ])("%s", (_, knowledge, expected) => {
    expect(decide(knowledge).do).toBe(expected);
  });
});
