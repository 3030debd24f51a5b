/** One wheel for all connections: a single timer, which stops when the last one leaves. */

export interface HeartbeatMember {
  /** When something was last sent, on the clock of `performance.now`. */
  lastSent: number;
  beat(): void;
  /** Sends the client to another instance. */
  reconnect?(): void;
}

export class HeartbeatWheel {
  readonly #intervalMs: number;
  readonly #tickMs: number;
  readonly #members = new Set<HeartbeatMember>();
  #timer: NodeJS.Timeout | undefined;

  /** @param intervalMs Longest silence. 15 s stays below every proxy's limit: nginx, ALB and HAProxy cut after 60 s. */
  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
    this.#tickMs = Math.max(5, Math.floor(intervalMs / 6));
  }

  add(member: HeartbeatMember): void {
    this.#members.add(member);
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
    for (const member of this.#members) member.reconnect?.();
  }

  #turn(): void {
    // One tick early rather than one late: the promise is "at most this much silence".
    const due = performance.now() - this.#intervalMs + this.#tickMs;
    for (const member of this.#members) {
      if (member.lastSent > due) continue;
      member.beat();
      member.lastSent = performance.now();
    }
  }
}
