/** Compacts etcd's history up to its present revision, through its JSON gateway. */
export async function compactEtcd(etcdUrl: string): Promise<void> {
  const { header } = await ask(etcdUrl, "range", { key: Buffer.from("/").toString("base64") });
  await ask(etcdUrl, "compaction", { revision: header.revision, physical: true });
}

interface Answer {
  /** etcd writes its 64-bit numbers as strings. */
  header: { revision: string };
}

async function ask(etcdUrl: string, what: string, body: unknown): Promise<Answer> {
  const response = await fetch(`${etcdUrl}/v3/kv/${what}`, {
    method: "POST",
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`etcd ${what}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Answer;
}
