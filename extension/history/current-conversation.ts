/**
 * Which conversation a window's panel shows. One writer at a time: a panel holds a lock on its conversation for as long as it
 * lives, so two windows never write the same one.
 */
import { openHistory } from "./database.ts";

/** After a restart of the browser the last conversation comes back, if it is not older. */
const COMES_BACK_MS = 30 * 60_000;

/** The panel before this one may still be going away, and hold what it showed: it is waited for so long, in ms. */
const LEAVES_WITHIN_MS = 1_500;

const pointer = (windowId: number): string => `conversation:${windowId}`;
const LAST = "lastConversation";

/** The conversation to open in this window, held. */
export async function openCurrent(windowId: number): Promise<{ id: string; isNew: boolean }> {
  for (const id of await candidates(windowId)) if (await hold(id, LEAVES_WITHIN_MS)) return { id, isNew: false };
  const id = crypto.randomUUID();
  await hold(id);
  return { id, isNew: true };
}

/** Something was said in it: it is what this window's panel opens again. An empty one leaves no trace. */
export async function rememberCurrent(windowId: number, id: string): Promise<void> {
  await Promise.all([chrome.storage.session.set({ [pointer(windowId)]: id }), chrome.storage.local.set({ [LAST]: id })]);
}

/** A new conversation was begun: the one before is not opened again by itself. */
export async function forgetCurrent(windowId: number): Promise<void> {
  await Promise.all([chrome.storage.session.remove(pointer(windowId)), chrome.storage.local.remove(LAST)]);
}

async function candidates(windowId: number): Promise<string[]> {
  const here: unknown = (await chrome.storage.session.get(pointer(windowId)))[pointer(windowId)];
  if (typeof here === "string") return [here];
  const last: unknown = (await chrome.storage.local.get(LAST))[LAST];
  if (typeof last !== "string") return [];
  const entry = await openHistory()
    .then((database) => database.get("conversations", last))
    .catch(() => undefined);
  return entry && Date.now() - entry.updatedAt < COMES_BACK_MS ? [last] : [];
}

let release: (() => void) | null = null;
let held: string | null = null;

/**
 * Takes the lock, and lets go of the one before. `false` when another window has it. The browser lets go of it when the panel goes away.
 * @param waitMs for one who has it to let go
 */
export function hold(id: string, waitMs = 0): Promise<boolean> {
  if (held === id) return Promise.resolve(true);
  const options: LockOptions = waitMs > 0 ? { signal: AbortSignal.timeout(waitMs) } : { ifAvailable: true };
  return new Promise((resolve) => {
    const taken = navigator.locks.request(`conversation:${id}`, options, (lock) => {
      resolve(lock !== null);
      if (!lock) return undefined;
      release?.();
      held = id;
      return new Promise<void>((done) => (release = done));
    });
    taken.catch(() => resolve(false));
  });
}
