/** Tells from one snapshot to the next what happened to the answer: it began, its text came, it ended, its connection broke. */
import type { SessionSnapshot } from "../../shared/session/chat-session.ts";
import type { ChatMessage } from "../../shared/session/message.ts";

export interface AnswerWatchHost {
  began(): void;
  streams(): void;
  ended(answer: ChatMessage): void;
  reconnecting(now: boolean): void;
  /** A tool call waits for the visitor; told once. */
  asks(answer: ChatMessage, toolCallId: string, name: string): void;
}

type Phase = "none" | "waiting" | "streaming" | "ended";

export class AnswerWatch {
  readonly #host: AnswerWatchHost;
  #id = "";
  #phase: Phase = "none";
  #reconnecting = false;
  /** Calls that were seen waiting. */
  readonly #asked = new Set<string>();
  /** What a conversation already holds when it comes on screen is no news. */
  #fresh = true;

  constructor(host: AnswerWatchHost) {
    this.#host = host;
  }

  /** Another conversation. */
  reset(): void {
    this.#id = "";
    this.#phase = "none";
    this.#fresh = true;
    this.#asked.clear();
    if (this.#reconnecting) {
      this.#reconnecting = false;
      this.#host.reconnecting(false);
    }
  }

  see(snapshot: SessionSnapshot): void {
    const answer = snapshot.messages.findLast(({ role }) => role === "assistant");
    if (answer) this.#seeAnswer(answer, snapshot.restored);
    if (answer && snapshot.state === "awaiting-approval") {
      for (const part of answer.parts) {
        if (part.type !== "tool_call" || part.state !== "needs-approval" || this.#asked.has(part.id)) continue;
        this.#asked.add(part.id);
        this.#host.asks(answer, part.id, part.name);
      }
    }
    if (snapshot.messages.length > 0) this.#fresh = false;
    const reconnecting = snapshot.reconnect !== null;
    if (reconnecting !== this.#reconnecting) {
      this.#reconnecting = reconnecting;
      this.#host.reconnecting(reconnecting);
    }
  }

  #seeAnswer(answer: ChatMessage, restored: boolean): void {
    const live = answer.status === "pending" || answer.status === "streaming";
    const isNew = answer.id !== this.#id || (this.#phase === "ended" && live);
    this.#id = answer.id;
    if (isNew && !live && this.#fresh && restored) {
      this.#phase = "ended";
      return;
    }
    if (isNew) {
      this.#phase = "waiting";
      this.#host.began();
    }
    if (this.#phase === "waiting" && (answer.parts.length > 0 || !live)) {
      this.#phase = "streaming";
      if (live) this.#host.streams();
    }
    if (this.#phase === "streaming" && !live) {
      this.#phase = "ended";
      this.#host.ended(answer);
    }
  }
}
