import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";

const databaseIsLocked = 5; // SQLITE_BUSY

/**
 * Runs `work` while no other process holds the lock on `file`, waiting for it as long as it takes.
 * The lock is the one that SQLite takes on its database: the system frees it however a process ends,
 * so there is no stale lock to recognise, which a lock file of one's own would need.
 */
export async function holdingLock<T>(
  file: string,
  say: (line: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  using database = new DatabaseSync(file);
  for (let waited = 0; !tryLock(database); waited++) {
    if (waited === 0) say("waiting for another process that provisions components");
    await sleep(200);
  }
  return await work();
}

function tryLock(database: DatabaseSync): boolean {
  try {
    database.exec("BEGIN EXCLUSIVE");
    return true;
  } catch (error) {
    if ((error as { errcode?: number }).errcode === databaseIsLocked) return false;
    throw error;
  }
}
