/** The same bytes cut in other places. What a decoder makes of a stream must not depend on where the network cut it. */
import type { Random } from "./random.ts";

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function* byteByByte(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at++) yield bytes.subarray(at, at + 1);
}

/** Two pieces, cut before the byte `at`. One of them is empty at the ends. */
export function splitAt(bytes: Uint8Array, at: number): Uint8Array[] {
  return [bytes.subarray(0, at), bytes.subarray(at)];
}

/** Every way to cut in two, from an empty first piece to an empty last one. */
export function* everySplit(bytes: Uint8Array): Generator<Uint8Array[]> {
  for (let at = 0; at <= bytes.length; at++) yield splitAt(bytes, at);
}

/** Pieces of random length, some empty. */
export function randomPieces(bytes: Uint8Array, random: Random): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = random.chance(0.1) ? 0 : 1 + random.below(random.pick([1, 3, 12, 40]));
    pieces.push(bytes.subarray(at, at + length));
    at += length;
  }
  return pieces;
}

/** A body that gives these pieces, one per read. */
export function bodyOf(pieces: Iterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = pieces[Symbol.iterator]();
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      const { done, value } = iterator.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
}

/** The cheaper form of a body, for tests that read thousands. */
// eslint-disable-next-line require-await -- an async iterable is what a body is
export async function* iterate(pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  yield* pieces;
}
