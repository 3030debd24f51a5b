/**
 * Messages between instances, each answered: over Redis channels, sent again until the answer is there. A channel forgets what
 * nobody hears, and a connection may break between the two; so a message carries a number, and is handled once.
 */
import { randomBytes } from "node:crypto";

import type { RunMessage, RunReply } from "../run-store.ts";
import type { RedisClient } from "./client.ts";
import type { RedisKeys } from "./keys.ts";

export interface MailboxOptions {
  redis: RedisClient;
  /** For listening; nothing else may use it. */
  listening: RedisClient;
  keys: RedisKeys;
  instance: string;
  deliver: (runId: string, message: RunMessage) => RunReply;
  onError: (error: Error) => void;
}

const AGAIN_MS = 200;
const ATTEMPTS = 10;
/** Messages that came twice are known among this many. */
const REMEMBERED = 1_000;

type Letter = { to: string; from: string; run: string; message: RunMessage } | { answers: string; reply: RunReply };

export class Mailbox {
  readonly #options: MailboxOptions;
  readonly #waiting = new Map<string, (reply: RunReply) => void>();
  readonly #handled = new Map<string, RunReply>();

  constructor(options: MailboxOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    const { listening, keys, instance } = this.#options;
    listening.on("message", (_channel, text) => {
      try {
        this.#receive(JSON.parse(text) as Letter);
      } catch (error) {
        // Whoever asked gets no answer, and may ask again; one message must not end every run here.
        this.#options.onError(error as Error);
      }
    });
    await listening.subscribe(keys.channel(instance));
  }

  /** @returns `undefined` when nobody answered. */
  async ask(instance: string, run: string, message: RunMessage): Promise<RunReply> {
    const to = randomBytes(9).toString("base64url");
    let settle: (reply: RunReply) => void = () => undefined;
    const answered = new Promise<RunReply>((resolve) => (settle = resolve));
    this.#waiting.set(to, settle);
    let timer: NodeJS.Timeout | undefined;
    const attempt = (left: number): void => {
      if (left === 0) return settle(undefined);
      this.#send(instance, { to, from: this.#options.instance, run, message });
      timer = setTimeout(() => attempt(left - 1), AGAIN_MS);
    };
    attempt(ATTEMPTS);
    const reply = await answered;
    clearTimeout(timer);
    this.#waiting.delete(to);
    return reply;
  }

  /** Says something that is repeated anyway. */
  mention(instance: string, run: string, message: RunMessage): void {
    this.#send(instance, { to: "", from: this.#options.instance, run, message });
  }

  close(): void {
    for (const settle of this.#waiting.values()) settle(undefined);
  }

  #receive(letter: Letter): void {
    if ("answers" in letter) {
      this.#waiting.get(letter.answers)?.(letter.reply);
      return;
    }
    const { to, from, run, message } = letter;
    if (to === "") {
      this.#options.deliver(run, message);
      return;
    }
    if (!this.#handled.has(to)) {
      this.#handled.set(to, this.#options.deliver(run, message));
      const [oldest] = this.#handled.keys();
      if (this.#handled.size > REMEMBERED && oldest !== undefined) this.#handled.delete(oldest);
    }
    const reply = this.#handled.get(to);
    // A run this process no longer knows has ended: the one who asks is not to wait for it.
    this.#send(from, { answers: to, reply: reply ?? "unknown" });
  }

  #send(instance: string, letter: Letter): void {
    const { redis, keys, onError } = this.#options;
    redis.publish(keys.channel(instance), JSON.stringify(letter)).catch(onError);
  }
}
