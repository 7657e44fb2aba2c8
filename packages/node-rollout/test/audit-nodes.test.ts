import fc from "fast-check";
import { expect, it } from "vitest";
import { smallestNodeSet } from "../src/audit/nodes.ts";

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

/** The size of the smallest set among all sets of nodes. */
function smallestByTrying(nodes: string[], loss: number): number | undefined {
  const names = [...new Set(nodes)];
  const sets = Array.from({ length: 2 ** names.length }, (_, bits) =>
    names.filter((_name, index) => (bits >> index) % 2 === 1),
  );
  const sizes = sets.filter((set) => lost(nodes, set) >= loss).map(({ length }) => length);
  return sizes.length === 0 ? undefined : Math.min(...sizes);
}

function lost(nodes: string[], set: string[]): number {
  return nodes.filter((node) => set.includes(node)).length;
}
