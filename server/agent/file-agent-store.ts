/**
 * Agents in an append-only file: one line per change, flushed to the disk before anybody hears that it was made.
 *
 * - A line is its checksum, a space and JSON. A write that was cut leaves a last line that does not check; it is cut off at the next
 *   start, and every change before it is there. A damaged line in the middle is no accident of ours: the start stops and names it.
 * - A file that is mostly history is rewritten at the start: to a new file, flushed, then put in the old one's place.
 * - One process per file, which a lock beside it holds. Several gateways that share agents need an `AgentStore` of their own.
 */
import { readFileSync } from "node:fs";
import { open, rename, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { crc32 } from "node:zlib";

import { ConfigError } from "../config.ts";
import { GatewayError } from "../errors.ts";
import { agentExists, type AgentChanges, type AgentDefinition, type AgentStore } from "./agent-store.ts";
import { FileLock } from "./file-lock.ts";

type Change = { put: AgentDefinition } | { delete: string };

/** Lines of history at which a file is rewritten, beside twice its agents. */
const SLACK_LINES = 100;

export class FileAgentStore implements AgentStore {
  readonly #path: string;
  readonly #lock: FileLock;
  readonly #agents = new Map<string, AgentDefinition>();
  /** As JSON, by id. */
  readonly #seeds: ReadonlyMap<string, string>;
  #file: FileHandle | undefined;
  /** Bytes of the file that are known to be good. */
  #length: number;
  #lines = 0;
  /** One write at a time. */
  #last: Promise<unknown> = Promise.resolve();

  /**
   * @param seeds Agents there are from the beginning; a change of one is kept like any other.
   * @throws ConfigError naming the file and the line when it is damaged, and the folder when another process uses it or it cannot
   *   be written.
   */
  constructor(path: string, seeds: readonly AgentDefinition[] = []) {
    this.#path = path;
    this.#seeds = new Map(seeds.map((agent) => [agent.id, JSON.stringify(agent)]));
    for (const agent of seeds) this.#agents.set(agent.id, structuredClone(agent));
    this.#lock = new FileLock(path);
    try {
      this.#length = this.#read();
    } catch (error) {
      this.#lock.release();
      throw error;
    }
  }

  list(): Promise<AgentDefinition[]> {
    return Promise.resolve(structuredClone([...this.#agents.values()]));
  }

  get(id: string): Promise<AgentDefinition | undefined> {
    return Promise.resolve(structuredClone(this.#agents.get(id)));
  }

  create(agent: AgentDefinition): Promise<AgentDefinition> {
    return this.#exclusively(async () => {
      if (this.#agents.has(agent.id)) throw agentExists();
      await this.#append({ put: agent });
      return structuredClone(agent);
    });
  }

  update(id: string, changes: AgentChanges): Promise<AgentDefinition | undefined> {
    return this.#exclusively(async () => {
      const agent = this.#agents.get(id);
      if (!agent) return undefined;
      const next = { ...agent, ...changes };
      await this.#append({ put: next });
      return structuredClone(next);
    });
  }

  delete(id: string): Promise<boolean> {
    return this.#exclusively(async () => {
      if (!this.#agents.has(id)) return false;
      await this.#append({ delete: id });
      return true;
    });
  }

  async close(): Promise<void> {
    await this.#exclusively(async () => {
      await this.#file?.close();
      this.#file = undefined;
      this.#lock.release();
    });
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  #apply(change: Change): void {
    if ("put" in change) this.#agents.set(change.put.id, structuredClone(change.put));
    else this.#agents.delete(change.delete);
  }

  /** Returns how many bytes of the file are good. */
  #read(): number {
    let bytes: Buffer;
    try {
      bytes = readFileSync(this.#path);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return 0;
      throw error;
    }
    let good = 0;
    for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, good)) {
      const change = decode(bytes.subarray(good, end));
      const isLast = end === bytes.length - 1;
      if (!change && !isLast) throw new ConfigError(`${this.#path} is damaged in line ${this.#lines + 1}.`);
      if (!change) break;
      this.#apply(change);
      this.#lines++;
      good = end + 1;
    }
    return good;
  }

  /** @throws GatewayError when another gateway took the file over while this one was asleep. */
  async #append(change: Change): Promise<void> {
    if (!this.#lock.isHeld())
      throw new GatewayError("internal", {
        message: "Agents cannot be changed here: another gateway took DATA_DIR over.",
        retryable: false,
      });
    const file = await this.#opened();
    const line = encode(change);
    try {
      await file.write(line, 0, line.length, this.#length);
      await file.datasync();
    } catch (error) {
      // Half a line (a full disk) must not stand before the next one.
      await file.truncate(this.#length).catch(() => undefined);
      throw error;
    }
    this.#length += line.length;
    this.#lines++;
    this.#apply(change);
  }

  async #opened(): Promise<FileHandle> {
    if (this.#file) return this.#file;
    if (this.#lines > 2 * this.#agents.size + SLACK_LINES) await this.#compact();
    // Not for appending: every write says where it begins, so that what a cut write left is written over.
    this.#file = await open(this.#path, "r+").catch(() => open(this.#path, "w+"));
    await this.#file.truncate(this.#length);
    await this.#file.sync();
    await syncFolder(this.#path);
    return this.#file;
  }

  async #compact(): Promise<void> {
    const temporary = `${this.#path}.new`;
    const changed = [...this.#agents.values()].filter((agent) => this.#seeds.get(agent.id) !== JSON.stringify(agent));
    const deleted = [...this.#seeds.keys()].filter((id) => !this.#agents.has(id));
    const lines = [...changed.map((agent) => encode({ put: agent })), ...deleted.map((id) => encode({ delete: id }))];
    const file = await open(temporary, "w");
    try {
      await file.writeFile(Buffer.concat(lines));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, this.#path);
    this.#lines = lines.length;
    this.#length = lines.reduce((sum, line) => sum + line.length, 0);
  }
}

function encode(change: Change): Buffer {
  const json = JSON.stringify(change);
  return Buffer.from(`${crc32(json).toString(16).padStart(8, "0")} ${json}\n`);
}

function decode(line: Buffer): Change | undefined {
  const json = line.subarray(9);
  if (line.subarray(0, 9).toString() !== `${crc32(json).toString(16).padStart(8, "0")} `) return undefined;
  return JSON.parse(json.toString()) as Change;
}

/** A new name is only safe once its folder is. Some systems cannot flush a folder; there is nothing else to do there. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), "r").catch(() => undefined);
  await folder?.sync().catch(() => undefined);
  await folder?.close();
}
