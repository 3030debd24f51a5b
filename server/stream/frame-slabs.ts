/**
 * The bytes of a log's frames, in a few large buffers outside the garbage collector's heap. As strings of their own, the frames of
 * a thousand logs cost the collector as much CPU as sending them (45 % of the gateway's own work), and twice the memory.
 */
import type { Frame } from "./frame.ts";

const FIRST_SLAB_BYTES = 4_096;
const LARGEST_SLAB_BYTES = 65_536;

interface Slab {
  firstSeq: number;
  buffer: Buffer;
  used: number;
  /** Where each frame ends. */
  ends: number[];
}

export class FrameSlabs {
  readonly #largest: number;
  #slabs: Slab[] = [];
  #nextSize = FIRST_SLAB_BYTES;
  /** Bytes of the frames held. */
  bytes = 0;
  /** Frames held. */
  count = 0;

  /** @param maxBytes Most bytes the log will hold: frames are dropped by slabs, so these are small beside it. */
  constructor(maxBytes: number) {
    this.#largest = Math.max(FIRST_SLAB_BYTES, Math.min(LARGEST_SLAB_BYTES, maxBytes / 8));
  }

  get firstSeq(): number | undefined {
    return this.#slabs[0]?.firstSeq;
  }

  push({ seq, sse }: Frame): void {
    const bytes = Buffer.byteLength(sse);
    let slab = this.#slabs.at(-1);
    if (!slab || slab.buffer.length - slab.used < bytes) {
      slab = { firstSeq: seq, buffer: Buffer.allocUnsafeSlow(Math.max(this.#nextSize, bytes)), used: 0, ends: [] };
      this.#slabs.push(slab);
      this.#nextSize = Math.min(this.#nextSize * 2, this.#largest);
    }
    slab.buffer.write(sse, slab.used, bytes === sse.length ? "latin1" : "utf8");
    slab.used += bytes;
    slab.ends.push(slab.used);
    this.bytes += bytes;
    this.count++;
  }

  /** The frames from `seq` on, until they are `maxBytes` together. `endSeq` is the terminal one. */
  read(seq: number, maxBytes: number, endSeq: number | undefined): Frame[] {
    const frames: Frame[] = [];
    let bytes = 0;
    // Most readers are near the end.
    let at = this.#slabs.length - 1;
    while (at > 0 && (this.#slabs[at]?.firstSeq ?? 0) > seq) at--;
    for (let next = seq; at < this.#slabs.length && bytes < maxBytes; at++) {
      const slab = this.#slabs[at];
      if (!slab) break;
      for (let index = next - slab.firstSeq; index < slab.ends.length && bytes < maxBytes; index++) {
        const start = slab.ends[index - 1] ?? 0;
        const end = slab.ends[index] ?? start;
        frames.push({ seq: next, sse: slab.buffer.toString("utf8", start, end), terminal: next === endSeq });
        bytes += end - start;
        next++;
      }
    }
    return frames;
  }

  /** Drops the oldest slab, unless it is the only one, and gives the frames that were in it. */
  shift(): Frame[] {
    const [oldest] = this.#slabs;
    if (!oldest || this.#slabs.length === 1) return [];
    const frames = this.read(oldest.firstSeq, oldest.used, undefined);
    this.#slabs.shift();
    this.bytes -= oldest.used;
    this.count -= oldest.ends.length;
    return frames;
  }

  clear(): void {
    this.#slabs = [];
    this.#nextSize = FIRST_SLAB_BYTES;
    this.bytes = 0;
    this.count = 0;
  }
}
