/**
 * One process per file: a lock file beside it that names its holder.
 *
 * - A holder that died leaves its lock behind. It counts no more when its process is gone, or when it has not been touched for
 *   `STALE_MS`: the only sign from another machine, and the only one that a reused process number cannot give (in a container
 *   every gateway is process 1).
 * - A holder that was asleep for as long may have lost its lock. `isHeld` is asked before each write, so it does not write again.
 */
import { randomBytes } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, renameSync, statSync, unlinkSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";

import { ConfigError } from "../config.ts";

/** Between two touches of a lock, and the age at which an untouched one counts no more, in ms. */
const TOUCH_MS = 5_000;
const STALE_MS = 30_000;

interface Holder {
  pid: number;
  host: string;
  /** Random: tells a holder from another one with its process number. */
  id: string;
}

/** Locks of this process by their holder's id: given back when it ends by itself. */
const held = new Map<string, FileLock>();
const releaseAll = (): void => {
  for (const lock of held.values()) lock.release();
};

export class FileLock {
  readonly #path: string;
  readonly #holder: Holder = { pid: process.pid, host: hostname(), id: randomBytes(8).toString("hex") };
  readonly #timer: NodeJS.Timeout;

  /**
   * @param path of the file that is to have one writer; the lock is `path.lock`
   * @throws ConfigError naming the folder and the holder when another process has it, or when the folder cannot be written.
   */
  constructor(path: string) {
    this.#path = `${path}.lock`;
    try {
      mkdirSync(dirname(path), { recursive: true });
      this.#take();
    } catch (error) {
      if (error instanceof ConfigError || !(error instanceof Error) || !("code" in error)) throw error;
      throw new ConfigError(`DATA_DIR ${dirname(path)} cannot be written: ${String(error.code)}.`);
    }
    if (held.size === 0) process.once("exit", releaseAll);
    held.set(this.#holder.id, this);
    this.#timer = setInterval(() => this.#touch(), TOUCH_MS).unref();
  }

  /** Whether it is still ours. */
  isHeld(): boolean {
    return read(this.#path)?.holder?.id === this.#holder.id;
  }

  release(): void {
    clearInterval(this.#timer);
    held.delete(this.#holder.id);
    if (held.size === 0) process.off("exit", releaseAll);
    try {
      if (this.isHeld()) unlinkSync(this.#path);
    } catch {
      // Then it becomes stale by itself.
    }
  }

  #take(): void {
    for (;;) {
      try {
        writeFileSync(this.#path, JSON.stringify(this.#holder), { flag: "wx" });
        return;
      } catch (error) {
        if (!isCode(error, "EEXIST")) throw error;
      }
      const found = read(this.#path);
      // Given back in this moment.
      if (!found) continue;
      if (!isStale(found)) throw inUse(this.#path, found.holder);
      this.#clear(found.text);
    }
  }

  /** Takes a stale lock away. Of several processes that find it, one moves it; whoever moved a new one instead puts it back. */
  #clear(text: string): void {
    const aside = `${this.#path}.${this.#holder.id}`;
    try {
      renameSync(this.#path, aside);
    } catch (error) {
      if (isCode(error, "ENOENT")) return;
      throw error;
    }
    try {
      if (readFileSync(aside, "utf8") !== text) linkSync(aside, this.#path);
    } catch (error) {
      // A third one was faster. The one that was moved hears of it before its next write.
      if (!isCode(error, "EEXIST")) throw error;
    } finally {
      unlinkSync(aside);
    }
  }

  #touch(): void {
    try {
      const now = new Date();
      if (this.isHeld()) utimesSync(this.#path, now, now);
    } catch {
      // A folder that went away is told by the next write.
    }
  }
}

interface Found {
  text: string;
  /** Missing while it is being written, or when it was cut. */
  holder: Holder | undefined;
  ageMs: number;
}

function read(path: string): Found | undefined {
  try {
    const text = readFileSync(path, "utf8");
    return { text, holder: parse(text), ageMs: Date.now() - statSync(path).mtimeMs };
  } catch (error) {
    if (isCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

function parse(text: string): Holder | undefined {
  try {
    return JSON.parse(text) as Holder;
  } catch {
    return undefined;
  }
}

function isStale({ holder, ageMs }: Found): boolean {
  if (ageMs > STALE_MS) return true;
  if (holder?.host !== hostname()) return false;
  // Our own number, and not one of our locks: an earlier process that had it.
  if (holder.pid === process.pid) return !held.has(holder.id);
  return !isAlive(holder.pid);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process is one.
    return isCode(error, "EPERM");
  }
}

function inUse(path: string, holder: Holder | undefined): ConfigError {
  const who = holder ? `process ${holder.pid}${holder.host === hostname() ? "" : ` of ${holder.host}`}` : "another process";
  return new ConfigError(
    `DATA_DIR ${dirname(path)} is in use by another gateway (${who}). Give each gateway a folder of its own, or an agentStore that several may share.`,
  );
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
