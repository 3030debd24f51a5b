/**
 * The bytes of a log's frames, in a few large buffers outside the garbage collector's heap. As strings of their own, the frames of
 * a thousand logs cost the collector as much CPU as sending them (45 % of the gateway's own work), and twice the memory.
 * Where a frame ends is not noted: its blank line says so, and only who comes late has to look for it.
 */
import type { Frame } from "./frame.ts";

const FIRST_SLAB_BYTES = 4_096;
const LARGEST_SLAB_BYTES = 65_536;

interface Slab {
  firstSeq: number;
  buffer: Buffer;
  used: number;
}

export class FrameSlabs {
  // The newest slab is in these fields, and first: an append touches as little memory as it can.
  #buffer = Buffer.alloc(0);
  #used = 0;
  /** Bytes of the frames held. */
  bytes = 0;
  /** Frames held. */
  count = 0;
  #firstSeq = 0;
  #older: Slab[] = [];
  #nextSize = FIRST_SLAB_BYTES;
  readonly #largest: number;

  /** @param maxBytes Most bytes the log will hold: frames are dropped by slabs, so these are small beside it. */
  constructor(maxBytes: number) {
    this.#largest = Math.max(FIRST_SLAB_BYTES, Math.min(LARGEST_SLAB_BYTES, maxBytes / 8));
  }

  push({ seq, sse, bytes }: Frame): void {
    const end = this.#used + bytes;
    if (end > this.#buffer.length) {
      this.#begin(seq, bytes);
      this.#used = bytes;
    } else this.#used = end;
    // Text of one byte a character, which is most of it, is copied instead of encoded.
    this.#buffer.write(sse, this.#used - bytes, bytes === sse.length ? "latin1" : "utf8");
    this.bytes += bytes;
    this.count++;
  }

  /** The frames from `seq` on, until they are `maxBytes` together. `endSeq` is the terminal one. */
  read(seq: number, maxBytes: number, endSeq: number | undefined): Frame[] {
    const frames: Frame[] = [];
    const slabs = this.#slabs();
    let bytes = 0;
    // Most readers are near the end.
    let at = slabs.length - 1;
    while (at > 0 && (slabs[at]?.firstSeq ?? 0) > seq) at--;
    for (let next = seq; at < slabs.length && bytes < maxBytes; at++) {
      const slab = slabs[at];
      if (!slab) break;
      let start = skip(slab, next - slab.firstSeq);
      while (start < slab.used && bytes < maxBytes) {
        const end = frameEnd(slab, start);
        frames.push({ seq: next, sse: slab.buffer.toString("utf8", start, end), bytes: end - start, terminal: next === endSeq });
        bytes += end - start;
        start = end;
        next++;
      }
    }
    return frames;
  }

  /** Drops the oldest slab, unless it is the only one, and gives the frames that were in it. */
  shift(): Frame[] {
    const [oldest] = this.#older;
    if (!oldest) return [];
    const frames = this.read(oldest.firstSeq, oldest.used, undefined);
    this.#older.shift();
    this.bytes -= oldest.used;
    this.count -= frames.length;
    return frames;
  }

  clear(): void {
    this.#older = [];
    this.#buffer = Buffer.alloc(0);
    this.#used = 0;
    this.#nextSize = FIRST_SLAB_BYTES;
    this.bytes = 0;
    this.count = 0;
  }

  #begin(seq: number, bytes: number): void {
    if (this.#used > 0) this.#older.push({ firstSeq: this.#firstSeq, buffer: this.#buffer, used: this.#used });
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(this.#nextSize, bytes));
    this.#firstSeq = seq;
    this.#nextSize = Math.min(this.#nextSize * 2, this.#largest);
  }

  #slabs(): Slab[] {
    return [...this.#older, { firstSeq: this.#firstSeq, buffer: this.#buffer, used: this.#used }];
  }
}

/** A frame is one line of `id`, one of `data`, and the blank line: JSON holds no line break. */
const FRAME_END = Buffer.from("\n\n");

function frameEnd({ buffer }: Slab, start: number): number {
  return buffer.indexOf(FRAME_END, start) + FRAME_END.length;
}

function skip(slab: Slab, frames: number): number {
  let start = 0;
  for (let left = frames; left > 0 && start < slab.used; left--) start = frameEnd(slab, start);
  return start;
}
