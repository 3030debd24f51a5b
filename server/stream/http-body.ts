/**
 * Writes the body of a streaming HTTP answer, many small pieces, at the least cost per piece.
 *
 * `response.write` turns each piece into four strings and a vectored write; under Express, whose responses have a prototype of
 * their own, it costs a third more. So after the headers the pieces go to the socket itself, with the chunk framing of HTTP/1.1 written
 * here: about three quarters of the CPU of plain `response.write`, and no wait for its cork (two samples, docs/decisions/2026-11-23-own-chunk-framing.md). What was written in one turn of the
 * event loop is one chunk.
 *
 * That is only done where it is exactly what the response would do: a chunked HTTP/1.1 answer at the front of its connection,
 * whose `write` nobody has replaced (compression does). Anything else goes through the response.
 */
import { ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Bytes that wait for the end of the turn above which they are written at once. */
const MAX_PENDING_BYTES = 65_536;

/** Bodies with text that was not written yet: one tick for all of them. */
let waiting: HttpBody[] = [];

function writeAll(): void {
  const bodies = waiting;
  waiting = [];
  for (const body of bodies) body.flush();
}

export class HttpBody {
  readonly #response: ServerResponse;
  readonly #onRoom: () => void;
  /** The connection, where the framing is written here. */
  #socket: Socket | undefined;
  #pending = "";
  #pendingBytes = 0;
  #open = true;
  #isFull = false;

  /**
   * @param response Its headers are sent, with a first piece of the body.
   * @param onRoom Called when a full connection takes more again.
   */
  constructor(response: ServerResponse, onRoom: () => void) {
    this.#response = response;
    this.#onRoom = onRoom;
    if (canFrame(response)) this.#socket = response.socket ?? undefined;
    (this.#socket ?? response).on("drain", this.#drained);
    response.once("close", () => this.#detach());
  }

  /** The connection takes no more: wait for `onRoom`. What is written all the same is kept, and sent. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** @param bytes Length of the text in UTF-8. */
  write(text: string, bytes: number): void {
    if (!this.#open) return;
    if (this.#pending === "") {
      if (waiting.length === 0) process.nextTick(writeAll);
      waiting.push(this);
    }
    this.#pending += text;
    this.#pendingBytes += bytes;
    if (this.#pendingBytes > MAX_PENDING_BYTES) this.flush();
  }

  flush(): void {
    const text = this.#pending;
    if (text === "") return;
    const bytes = this.#pendingBytes;
    this.#pending = "";
    this.#pendingBytes = 0;
    if (!this.#open) return;
    const socket = this.#socket;
    if (!socket) {
      if (!this.#response.write(text)) this.#isFull = true;
      return;
    }
    // Text of one byte a character, which is most of it, is copied instead of encoded.
    const hasRoom = socket.write(`${bytes.toString(16)}\r\n${text}\r\n`, bytes === text.length ? "latin1" : "utf8");
    // A later piece may find room again before `drain`; whoever waits is told by `drain` alone.
    if (!hasRoom) this.#isFull = true;
  }

  end(): void {
    if (!this.#open) return;
    this.flush();
    this.#detach();
    this.#response.end();
  }

  readonly #drained = (): void => {
    if (!this.#isFull) return;
    this.#isFull = false;
    this.#onRoom();
  };

  #detach(): void {
    this.#open = false;
    (this.#socket ?? this.#response).off("drain", this.#drained);
  }
}

function canFrame(response: ServerResponse): boolean {
  return (
    response.chunkedEncoding &&
    response.socket !== null &&
    !response.writableEnded &&
    response.req.httpVersion === "1.1" &&
    response.write === ServerResponse.prototype.write
  );
}
