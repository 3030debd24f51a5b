/** What the agent's tools did, or were not allowed to do: written before a tool touches a page, completed after. */
import { openHistory, type AuditEntry } from "../history/database.ts";

/** Older entries go when there are more. */
export const MAX_AUDIT_ENTRIES = 5_000;

/** Begins an entry. Rejects when it cannot be written; then the tool must not run. */
export async function beginAudit(entry: Omit<AuditEntry, "key" | "outcome">): Promise<(outcome: string) => Promise<void>> {
  const history = await openHistory();
  const key = await history.add("audit", { ...entry, outcome: "begun" });
  return async (outcome) => {
    await history.put("audit", { ...entry, key, outcome });
    const count = await history.count("audit");
    if (count > MAX_AUDIT_ENTRIES) await history.delete("audit", IDBKeyRange.upperBound(key - MAX_AUDIT_ENTRIES));
  };
}

/** Newest first. */
export async function auditEntries(limit = 200): Promise<AuditEntry[]> {
  const entries: AuditEntry[] = [];
  const history = await openHistory();
  let cursor = await history.transaction("audit").store.openCursor(null, "prev");
  while (cursor && entries.length < limit) {
    entries.push(cursor.value);
    cursor = await cursor.continue();
  }
  return entries;
}
