/**
 * One run's events in this process: one log that all its readers share, each with a cursor.
 * A reader that has caught up gets a new frame in the same call that appends it: no promise, no timer, no copy per reader.
 */
import type { StreamChunk } from "../../shared/protocol/chunk.ts";
import { encodeFrame, frameChunk, type Frame } from "./frame.ts";
import { FrameSlabs } from "./frame-slabs.ts";
import type { Follow, FrameReader } from "./run-store.ts";
import { mergeChunk } from "./snapshot.ts";

export interface FrameLogLimits {
  /** Most bytes of events; above it the oldest go into the snapshot. */
  maxBytes: number;
  maxEvents: number;
}

/** Most bytes given to a reader at once: one write of a sensible size, and a bound on what a slow socket queues. */
const BATCH_BYTES = 65_536;

interface Place extends Follow {
  seq: number;
  reader: FrameReader;
  /** The reader asked to wait. */
  busy: boolean;
  left: boolean;
  /** The reader that came before it. It stays when this one leaves: who goes through them may stand here. */
  next: Place | undefined;
}

export class FrameLog {
  head = 0;
  ended = false;
  #gone = false;
  /** The newest reader, of a list: few, and gone through for every frame, where an array is two objects more. */
  #newest: Place | undefined;
  readonly #slabs: FrameSlabs;
  readonly #limits: FrameLogLimits;
  messageId: string;
  #dropped: { seq: number; chunks: StreamChunk[]; frame: Frame | undefined } = { seq: 0, chunks: [], frame: undefined };

  constructor(messageId: string, limits: FrameLogLimits) {
    this.messageId = messageId;
    this.#limits = limits;
    this.#slabs = new FrameSlabs(limits.maxBytes);
  }

  /** Bytes of the frames held. */
  get bytes(): number {
    return this.#slabs.bytes;
  }

  get readers(): number {
    let count = 0;
    for (let place = this.#newest; place; place = place.next) count++;
    return count;
  }

  /** The last event that is only in the snapshot; 0 while nothing was dropped. */
  get droppedSeq(): number {
    return this.#dropped.seq;
  }

  /** Returns by how many bytes the log has grown, or shrunk. */
  append(frame: Frame): number {
    if (this.ended || this.#gone) return 0;
    if (frame.seq !== this.head + 1) throw new Error(`event ${frame.seq} after ${this.head}`);
    const before = this.#slabs.bytes;
    this.#slabs.push(frame);
    this.head = frame.seq;
    this.ended = frame.terminal;
    const { maxBytes, maxEvents } = this.#limits;
    if (this.#slabs.bytes > maxBytes || this.#slabs.count > maxEvents) this.#drop();
    const grown = this.#slabs.bytes - before;
    for (let place = this.#newest; place; place = place.next) {
      if (place.busy || place.left) continue;
      if (place.seq === frame.seq - 1) this.#give(place, [frame], frame.seq);
      if (this.ended && !place.busy) this.#finish(place);
    }
    return grown;
  }

  /** Everything so far is what this snapshot says. */
  reset(snapshot: Frame): void {
    const chunk = frameChunk(snapshot);
    if (chunk.type !== "snapshot") throw new Error("not a snapshot");
    this.#slabs.clear();
    this.head = snapshot.seq;
    this.#dropped = { seq: snapshot.seq, chunks: [...chunk.message.chunks], frame: snapshot };
    for (let place = this.#newest; place; place = place.next) this.#pump(place);
  }

  follow(afterSeq: number, reader: FrameReader): Follow {
    const place: Place = {
      seq: afterSeq,
      reader,
      busy: true,
      left: false,
      next: this.#newest,
      leave: () => this.#leave(place),
    };
    this.#newest = place;
    // Not in this call: whoever follows has not got its handle yet.
    queueMicrotask(() => {
      place.busy = false;
      this.#pump(place);
    });
    return place;
  }

  /** The frames after a cursor, at most one batch; a snapshot first where they are no longer there. */
  since(seq: number): Frame[] {
    const dropped = this.#dropped;
    if (seq < dropped.seq) {
      dropped.frame ??= encodeFrame({ type: "snapshot", message: { messageId: this.messageId, chunks: dropped.chunks } }, dropped.seq);
      return [dropped.frame];
    }
    return this.#slabs.read(seq + 1, BATCH_BYTES, this.ended ? this.head : undefined);
  }

  /** Lets every reader go. */
  remove(): void {
    this.#gone = true;
    for (let place = this.#newest; place; place = place.next) if (!place.busy) this.#finish(place);
  }

  #leave(place: Place): void {
    place.left = true;
    if (this.#newest === place) {
      this.#newest = place.next;
      return;
    }
    let newer = this.#newest;
    while (newer && newer.next !== place) newer = newer.next;
    if (newer) newer.next = place.next;
  }

  #give(place: Place, frames: readonly Frame[], lastSeq: number): void {
    place.seq = lastSeq;
    const wait = place.reader.take(frames);
    if (!wait) return;
    place.busy = true;
    void this.#goOn(place, wait);
  }

  async #goOn(place: Place, wait: Promise<void>): Promise<void> {
    await wait;
    place.busy = false;
    this.#pump(place);
  }

  #pump(place: Place): void {
    while (!place.busy && !place.left) {
      if (this.#gone || (this.ended && place.seq >= this.head)) this.#finish(place);
      else if (place.seq < this.head) {
        const frames = this.since(place.seq);
        this.#give(place, frames, frames.at(-1)?.seq ?? place.seq);
      } else return;
    }
  }

  #finish(place: Place): void {
    if (place.left) return;
    place.leave();
    place.reader.end();
  }

  /** Moves the older half into the snapshot: dropping frame by frame would remake the snapshot for every event. */
  #drop(): void {
    const dropped = this.#dropped;
    const maxBytes = this.#limits.maxBytes / 2;
    const maxEvents = this.#limits.maxEvents / 2;
    while (this.#slabs.bytes > maxBytes || this.#slabs.count > maxEvents) {
      const frames = this.#slabs.shift();
      if (frames.length === 0) return;
      for (const frame of frames) mergeChunk(dropped.chunks, frameChunk(frame));
      dropped.seq = frames.at(-1)?.seq ?? dropped.seq;
      dropped.frame = undefined;
    }
  }
}
