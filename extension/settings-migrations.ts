/** Settings of older versions, made into those of today: dated, in order, each run once. */

export interface Migration {
  /** The version of the settings it makes, from 1. */
  to: number;
  run(stored: Readonly<Record<string, unknown>>): Record<string, unknown>;
}

/** Add at the end; never change one that has shipped. */
export const MIGRATIONS: readonly Migration[] = [
  // 2026-11-23: 0.1.0 stored no version; server, agent and theme are as they were.
  { to: 1, run: (stored) => ({ ...stored }) },
];

export const SETTINGS_VERSION = MIGRATIONS.at(-1)?.to ?? 0;

/** Brings `storage.sync` up to date, and returns what is there then. Cheap when it is; a newer version's settings, synced from elsewhere, are left alone. */
export async function migrateSettings(migrations = MIGRATIONS): Promise<Readonly<Record<string, unknown>>> {
  const target = migrations.at(-1)?.to ?? 0;
  const stored = await chrome.storage.sync.get();
  const version = typeof stored["version"] === "number" ? stored["version"] : 0;
  if (version >= target || Object.keys(stored).length === 0) return stored;
  let next: Record<string, unknown> = stored;
  for (const migration of migrations) if (migration.to > version) next = migration.run(next);
  const gone = Object.keys(stored).filter((name) => !(name in next));
  if (gone.length > 0) await chrome.storage.sync.remove(gone);
  const migrated = { ...next, version: target };
  await chrome.storage.sync.set(migrated);
  return migrated;
}
