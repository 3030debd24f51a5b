/** One wheel for all connections: a single timer, which stops when the last one leaves. */

export interface HeartbeatMember {
  /** Turns of the wheel since something was last sent; whoever sends sets it to 0, which costs less than the time of day. */
  silentTurns: number;
  beat(): void;
  /** Sends the client to another instance. */
  reconnect?(): void;
}

/** Turns in an interval. */
const TURNS = 6;

export class HeartbeatWheel {
  readonly #tickMs: number;
  readonly #members = new Set<HeartbeatMember>();
  #timer: NodeJS.Timeout | undefined;

  /** @param intervalMs Longest silence. 15 s stays below every proxy's limit: nginx, ALB and HAProxy cut after 60 s. */
  constructor(intervalMs: number) {
    this.#tickMs = Math.max(5, Math.floor(intervalMs / TURNS));
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
    for (const member of this.#members) {
      // In its last turn there has been silence for five to six of them: the promise is "at most this much".
      if (++member.silentTurns < TURNS) continue;
      member.beat();
      member.silentTurns = 0;
    }
  }
}
