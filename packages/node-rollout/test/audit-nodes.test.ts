import fc from "fast-check";
import { expect, it } from "vitest";
import { auditBudgets } from "../src/audit/audit.ts";
import { smallestNodeSet } from "../src/audit/nodes.ts";
import { budget, deployment, podsOf } from "./audit-fixtures.ts";

it("names no smaller set than there is, and none where there is none", () => {
  const placements = fc.array(fc.constantFrom("a", "b", "c", "d", "e", "f"), { maxLength: 14 });
  fc.assert(
    fc.property(placements, fc.integer({ min: 1, max: 15 }), (nodes, loss) => {
      const found = smallestNodeSet(nodes, loss);
      expect(found?.length).toBe(smallestByTrying(nodes, loss));
      if (found !== undefined) expect(lost(nodes, found)).toBeGreaterThanOrEqual(loss);
    }),
    { numRuns: 2000 },
  );
});

it("finds the fullest nodes first, by name where they are equally full", () => {
  expect(smallestNodeSet(["b", "a", "c", "c"], 3)).toEqual(["c", "a"]);
  expect(smallestNodeSet(["b", "a", "c", "c"], 2)).toEqual(["c"]);
});

it("names every workload that some K nodes take down, and no other, by trying all sets", () => {
  const placement = fc.array(fc.constantFrom("a", "b", "c", "d", "e"), {
    minLength: 2,
    maxLength: 9,
  });
  const workload = fc.record({ placement, minAvailable: fc.integer({ min: 1, max: 8 }) });
  const workloads = fc.array(workload, { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(workloads, fc.integer({ min: 1, max: 5 }), (given, limit) => {
      const named = given.map((each, index) => ({ ...each, name: `w${index}` }));
      const { findings } = auditBudgets(
        named.map(({ name, placement: { length } }) => deployment(name, length)),
        named.map(({ name, minAvailable }) => budget(name, { minAvailable })),
        named.flatMap(({ name, placement: nodes }) => podsOf({ kind: "Deployment", name }, nodes)),
        { nodes: limit },
      );
      const found = findings
        .filter(({ nodes }) => nodes !== undefined)
        .map(({ code, workload: { name }, nodes }) => `${name} ${code} ${nodes?.length}`);
      const expected = named.flatMap(({ name, placement: nodes, minAvailable }) => {
        const toZero = smallestByTrying(nodes, nodes.length)!;
        const bears = nodes.length - minAvailable;
        const below = bears < 0 ? Number.POSITIVE_INFINITY : smallestByTrying(nodes, bears + 1)!;
        const zero = toZero === 1 ? "one-node" : "nodes-to-zero";
        return [
          ...(toZero <= limit ? [`${name} ${zero} ${toZero}`] : []),
          // What takes it to zero says it all.
          ...(below <= limit && below < toZero ? [`${name} nodes-below-minimum ${below}`] : []),
        ];
      });
      expect(found.sort()).toEqual(expected.sort());
    }),
    { numRuns: 1000 },
  );
});

it("names every workload of a shared budget that some K nodes take below it, by trying all sets", () => {
  const placement = fc.array(fc.constantFrom("a", "b", "c", "d", "e"), {
    minLength: 2,
    maxLength: 6,
  });
  const workloads = fc.array(placement, { minLength: 2, maxLength: 3 });
  const labels = { tier: "web" };
  fc.assert(
    fc.property(workloads, fc.nat(18), fc.integer({ min: 1, max: 5 }), (given, allowed, limit) => {
      const all = given.flat();
      const minAvailable = Math.max(1, all.length - allowed);
      const { findings } = auditBudgets(
        given.map((nodes, index) => deployment(`w${index}`, nodes.length, labels)),
        [budget("shared", { minAvailable }, labels)],
        given.flatMap((nodes, i) => podsOf({ kind: "Deployment", name: `w${i}` }, nodes, labels)),
        { nodes: limit },
      );
      const found = findings
        .filter(({ code }) => code === "nodes-below-minimum")
        .map(({ workload: { name }, nodes }) => `${name} ${nodes?.length}`);
      const expected = given.flatMap((own, index) => {
        const below = smallestByTrying(all, all.length - minAvailable + 1, own);
        const toZero = smallestByTrying(own, own.length)!;
        return below !== undefined && below <= limit && below < toZero
          ? [`w${index} ${below}`]
          : [];
      });
      expect(found.sort()).toEqual(expected.sort());
    }),
    { numRuns: 1000 },
  );
});

/** The size of the smallest set among all sets of nodes with one of `own` in them. */
function smallestByTrying(nodes: string[], loss: number, own = nodes): number | undefined {
  const names = [...new Set(nodes)];
  const sets = Array.from({ length: 2 ** names.length }, (_, bits) =>
    names.filter((_name, index) => (bits >> index) % 2 === 1),
  );
  const sizes = sets
    .filter((set) => lost(nodes, set) >= loss && own.some((node) => set.includes(node)))
    .map(({ length }) => length);
  return sizes.length === 0 ? undefined : Math.min(...sizes);
}

function lost(nodes: string[], set: string[]): number {
  return nodes.filter((node) => set.includes(node)).length;
}
