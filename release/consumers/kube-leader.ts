import {
  acquireLeadership,
  type Leadership,
  readLeader,
  renderRbac,
  runAsLeader,
} from "kube-leader";

export async function lead(signal: AbortSignal): Promise<void> {
  const leadership: Leadership = await acquireLeadership({
    name: "lock",
    signal,
    onWaiting: ({ pod, uid }) => console.log(pod, uid),
  });
  const texts: string[] = [leadership.lock, leadership.pod, leadership.fencingToken];
  console.log(texts, leadership.signal.aborted);
  await leadership.release();
  const end: { code: number | null; signal: string | null } = await runAsLeader("true", [], {
    name: "lock",
  });
  const leader: { pod: string; uid: string; since: Date; phase?: string } | undefined =
    await readLeader({ name: "lock", namespace: "default" });
  console.log(end, leader, renderRbac({ name: "lock" }));
}
