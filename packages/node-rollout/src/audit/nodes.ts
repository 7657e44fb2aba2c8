/**
 * The smallest set of nodes that, down at once, takes at least `loss` of these pods with it.
 *
 * Taking the fullest nodes first is exact here, and not only a good guess: a pod is on one node, so a set of nodes
 * loses the sum of its nodes' pods, and no k nodes can lose more than the k fullest. (Asking for one set that takes
 * down several workloads would be another problem, set cover, and a hard one.)
 *
 * @param nodes the node of each pod that counts
 * @param loss the pods that must go, at least 1
 * @param own one of these is among the nodes; the fullest of them is as good as any other. @default all
 * @returns the nodes, fullest first and by name where they are equally full; undefined when all of them lose fewer
 */
export function smallestNodeSet(
  nodes: readonly string[],
  loss: number,
  own: readonly string[] = nodes,
): string[] | undefined {
  if (nodes.length < loss) return undefined;
  const counts = new Map<string, number>();
  for (const node of nodes) counts.set(node, (counts.get(node) ?? 0) + 1);
  const fullest = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const chosen = fullestUntil(fullest, loss);
  if (chosen.some((node) => own.includes(node))) return chosen;
  const first = fullest.find(([node]) => own.includes(node));
  if (first === undefined) return undefined;
  const others = fullest.filter((entry) => entry !== first);
  return [first[0], ...fullestUntil(others, loss - first[1])];
}

function fullestUntil(fullest: readonly [string, number][], loss: number): string[] {
  const chosen: string[] = [];
  let lost = 0;
  for (const [node, count] of fullest) {
    if (lost >= loss) break;
    chosen.push(node);
    lost += count;
  }
  return chosen;
}
