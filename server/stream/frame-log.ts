/**
 * One run's events in this process: an array that all its readers share, each with a cursor.
 * A reader that has caught up gets a new frame in the same call that appends it: no promise, no timer, no copy per reader.
 */
import type { StreamChunk } from "../../shared/protocol/chunk.ts";
import { encodeFrame, frameChunk, type Frame } from "./frame.ts";
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
}

export class FrameLog {
  messageId: string;
  readonly #limits: FrameLogLimits;
  readonly #places = new Set<Place>();
  #frames: Frame[] = [];
  /** Index of the oldest frame left. Removing from the front of an array one by one would copy it each time. */
  #start = 0;
  #dropped: { seq: number; chunks: StreamChunk[]; frame: Frame | undefined } = { seq: 0, chunks: [], frame: undefined };
  #gone = false;
  /** Bytes of the frames held. */
  bytes = 0;
  /** Bytes of all frames there ever were. */
  totalBytes = 0;
  head = 0;
  ended = false;

  constructor(messageId: string, limits: FrameLogLimits) {
    this.messageId = messageId;
    this.#limits = limits;
  }

  get readers(): number {
    return this.#places.size;
  }

  /** The last event that is only in the snapshot; 0 while nothing was dropped. */
  get droppedSeq(): number {
    return this.#dropped.seq;
  }

  append(frame: Frame): void {
    if (this.ended || this.#gone) return;
    if (frame.seq !== this.head + 1) throw new Error(`event ${frame.seq} after ${this.head}`);
    this.#frames.push(frame);
    this.head = frame.seq;
    this.ended = frame.terminal;
    this.bytes += frame.sse.length;
    this.totalBytes += frame.sse.length;
    if (this.bytes > this.#limits.maxBytes || this.#frames.length - this.#start > this.#limits.maxEvents) this.#drop();
    const single = [frame];
    for (const place of this.#places) {
      if (place.busy) continue;
      if (place.seq === frame.seq - 1) this.#give(place, single);
      if (this.ended && !place.busy) this.#finish(place);
    }
  }

  /** Everything so far is what this snapshot says. */
  reset(snapshot: Frame): void {
    const chunk = frameChunk(snapshot);
    if (chunk.type !== "snapshot") throw new Error("not a snapshot");
    this.#frames = [];
    this.#start = 0;
    this.bytes = 0;
    this.head = snapshot.seq;
    this.#dropped = { seq: snapshot.seq, chunks: [...chunk.message.chunks], frame: snapshot };
    for (const place of this.#places) this.#pump(place);
  }

  follow(afterSeq: number, reader: FrameReader): Follow {
    const place: Place = {
      seq: afterSeq,
      reader,
      busy: true,
      left: false,
      leave: () => {
        place.left = true;
        this.#places.delete(place);
      },
    };
    this.#places.add(place);
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
    const batch: Frame[] = [];
    let bytes = 0;
    for (let index = this.#start + (seq - dropped.seq); index < this.#frames.length && bytes < BATCH_BYTES; index++) {
      const frame = this.#frames[index];
      if (!frame) break;
      batch.push(frame);
      bytes += frame.sse.length;
    }
    return batch;
  }

  /** Lets every reader go. */
  remove(): void {
    this.#gone = true;
    for (const place of this.#places) if (!place.busy) this.#finish(place);
  }

  #give(place: Place, frames: readonly Frame[]): void {
    place.seq = frames.at(-1)?.seq ?? place.seq;
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
      else if (place.seq < this.head) this.#give(place, this.since(place.seq));
      else return;
    }
  }

  #finish(place: Place): void {
    if (place.left) return;
    place.leave();
    place.reader.end();
  }

  /** Moves the older half into the snapshot: dropping frame by frame would remake the snapshot for every event. */
  #drop(): void {
    const frames = this.#frames;
    const dropped = this.#dropped;
    const target = this.bytes / 2;
    while (this.#start < frames.length - 1 && (this.bytes > target || frames.length - this.#start > this.#limits.maxEvents / 2)) {
      const frame = frames[this.#start];
      if (!frame) break;
      mergeChunk(dropped.chunks, frameChunk(frame));
      dropped.seq = frame.seq;
      dropped.frame = undefined;
      this.bytes -= frame.sse.length;
      this.#start++;
    }
    this.#frames = frames.slice(this.#start);
    this.#start = 0;
  }
}
