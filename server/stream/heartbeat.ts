/** One wheel for all connections: a single timer, which stops when the last one leaves. */

export interface HeartbeatMember {
  /** Set by whoever sends, which costs less than looking at a clock for every token; taken back by the wheel. */
  hasSent: boolean;
  beat(): void;
  /** Sends the client to another instance. */
  reconnect?(): void;
}

export class HeartbeatWheel {
  readonly #intervalMs: number;
  readonly #tickMs: number;
  /** Each with the time, on the clock of `performance.now`, up to which it was seen to send. */
  readonly #members = new Map<HeartbeatMember, number>();
  #lastTurn = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param intervalMs Longest silence. 15 s stays below every proxy's limit: nginx, ALB and HAProxy cut after 60 s. */
  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
    this.#tickMs = Math.max(5, Math.floor(intervalMs / 6));
  }

  add(member: HeartbeatMember): void {
    if (this.#members.size === 0) this.#lastTurn = performance.now();
    this.#members.set(member, performance.now());
    this.#timer ??= setInterval(() => this.#turn(), this.#tickMs);
  }

  remove(member: HeartbeatMember): void {
    this.#members.delete(member);
    if (this.#members.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  get size(): number {
    return this.#members.size;
  }

  /** Sends every client to another instance. */
  reconnect(): void {
    for (const member of this.#members.keys()) member.reconnect?.();
  }

  #turn(): void {
    const now = performance.now();
    for (const [member, quietSince] of this.#members) {
      if (member.hasSent) {
        member.hasSent = false;
        // It may have been right after the last turn.
        this.#members.set(member, this.#lastTurn);
        // One tick early rather than one late: the promise is "at most this much silence".
      } else if (now - quietSince >= this.#intervalMs - this.#tickMs) {
        member.beat();
        this.#members.set(member, now);
      }
    }
    this.#lastTurn = now;
  }
}
