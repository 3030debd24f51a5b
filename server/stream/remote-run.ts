/** A run that another instance produces, as its readers here see it. It tells the producer that they are there, and how far. */
import type { RunHandle } from "./run.ts";
import type { Follow, FrameReader, RunMessage, RunRecord, RunReply, RunStore } from "./run-store.ts";

/** The producer forgets readers it has not heard of for 12 s. */
const REPEAT_MS = 4_000;
/** Bytes of events after which the producer is told how far they are read: it waits for its fastest reader. */
const TELL_BYTES = 32_768;

export class RemoteRun implements RunHandle {
  readonly options: RunRecord;
  readonly #store: RunStore;
  readonly #places = new Set<Follow>();
  #repeat: NodeJS.Timeout | undefined;
  #untold = 0;
  /** Since when nobody reads it, on the clock of `performance.now`. */
  unusedSince = performance.now();
  ended = false;

  constructor(record: RunRecord, store: RunStore) {
    this.options = record;
    this.#store = store;
  }

  get id(): string {
    return this.options.id;
  }

  get readers(): number {
    return this.#places.size;
  }

  attach(afterSeq: number, reader: FrameReader): { leave: () => void } {
    const place = this.#store.follow(this.id, afterSeq, {
      take: (frames) => {
        for (const frame of frames) this.#untold += frame.bytes;
        if (frames.at(-1)?.terminal) this.ended = true;
        const wait = reader.take(frames);
        if (this.#untold >= TELL_BYTES) this.#tellReaders();
        return wait;
      },
      end: () => reader.end(),
    });
    this.#places.add(place);
    if (this.#places.size === 1) {
      this.#tellReaders();
      this.#repeat = setInterval(() => this.#tellReaders(), REPEAT_MS);
    }
    return {
      leave: () => {
        place.leave();
        if (!this.#places.delete(place) || this.#places.size > 0) return;
        clearInterval(this.#repeat);
        this.unusedSince = performance.now();
        this.#tellReaders();
      },
    };
  }

  tell(message: RunMessage): Promise<RunReply> {
    return this.#store.tell(this.id, message);
  }

  #tellReaders(): void {
    this.#untold = 0;
    if (this.ended) return;
    let seq: number | null = null;
    for (const place of this.#places) seq = Math.max(seq ?? 0, place.seq);
    // Said again soon: what does not arrive now is no loss.
    this.tell({ type: "readers", instance: this.#store.instance, seq }).catch(() => undefined);
  }
}
