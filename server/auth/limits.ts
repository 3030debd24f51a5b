/**
 * How much one caller may use: requests per minute, answers at once, tokens per day and per session.
 * Counted per user where one is known, and per address; in this process, or in Redis for several instances. Answers at once are
 * always counted by the process that writes them.
 */
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes, type RateLimiterAbstract } from "rate-limiter-flexible";

import type { TerminalChunk } from "../../shared/protocol/chunk.ts";
import { GatewayError } from "../errors.ts";
import type { Caller } from "./caller.ts";

export interface LimitSettings {
  /** Requests of one user, and of one address, in a minute. 0 is no limit. */
  requestsPerMinute: number;
  /** Answers at once of one user. 0 is no limit. */
  streamsPerUser: number;
  /** Answers at once of one address. 0 is no limit. */
  streamsPerAddress: number;
  /** Tokens of the model, in and out, of one user (or address, where no user is known) in a day. 0 is no limit. */
  tokensPerDay: number;
}

const MINUTE_S = 60;
const DAY_S = 86_400;
/** Sessions are over by then. */
const SESSION_S = 3600;
const FULL_RETRY_MS = 5000;

export class Limits {
  readonly #settings: LimitSettings;
  readonly #requests: RateLimiterAbstract | undefined;
  readonly #daily: RateLimiterAbstract;
  readonly #session: RateLimiterAbstract;
  readonly #streams = new Map<string, number>();

  /** @param redis A client of `ioredis`; without one the counts live as long as the process. */
  constructor(settings: LimitSettings, redis?: unknown) {
    this.#settings = settings;
    const limiter = (name: string, points: number, duration: number): RateLimiterAbstract => {
      const memory = new RateLimiterMemory({ keyPrefix: name, points, duration });
      // While Redis is away each instance counts for itself, instead of refusing everybody.
      return redis === undefined
        ? memory
        : new RateLimiterRedis({ storeClient: redis, keyPrefix: `chanl:${name}`, points, duration, insuranceLimiter: memory });
    };
    if (settings.requestsPerMinute > 0) this.#requests = limiter("requests", settings.requestsPerMinute, MINUTE_S);
    this.#daily = limiter("tokens", Math.max(1, settings.tokensPerDay), DAY_S);
    this.#session = limiter("session", 1, SESSION_S);
  }

  /** Before a request is looked at any further. @throws GatewayError `rate_limited` with the wait. */
  async request(caller: Caller): Promise<void> {
    if (this.#requests) {
      for (const key of keysOf(caller)) {
        try {
          await this.#requests.consume(key);
        } catch (thrown) {
          if (!(thrown instanceof RateLimiterRes)) throw thrown;
          throw new GatewayError("rate_limited", { retryAfterMs: thrown.msBeforeNext });
        }
      }
    }
    const { budget } = caller;
    if (budget && (await spent(this.#session, budget.id)) >= budget.tokens)
      throw new GatewayError("rate_limited", { retryable: false, message: "This session's budget is used up." });
    if (this.#settings.tokensPerDay > 0) {
      const used = await this.#daily.get(accountOf(caller));
      if (used && used.consumedPoints >= this.#settings.tokensPerDay)
        throw new GatewayError("rate_limited", {
          retryable: false,
          message: "Today's budget is used up.",
          retryAfterMs: used.msBeforeNext,
        });
    }
  }

  /**
   * Takes the place of one answer. Call what it returns when the answer has ended, with its end.
   * @throws GatewayError `overloaded` when the caller has too many already.
   */
  admit(caller: Caller): (terminal?: TerminalChunk) => void {
    const places = keysOf(caller).map((key) => ({
      key,
      most: key.startsWith("ip ") ? this.#settings.streamsPerAddress : this.#settings.streamsPerUser,
    }));
    const full = places.find(({ key, most }) => most > 0 && (this.#streams.get(key) ?? 0) >= most);
    if (full) {
      const message = `${full.most} answers at once is the most. Try again when one has ended.`;
      throw new GatewayError("overloaded", { message, retryAfterMs: FULL_RETRY_MS });
    }
    for (const { key } of places) this.#streams.set(key, (this.#streams.get(key) ?? 0) + 1);
    let left = false;
    return (terminal) => {
      if (left) return;
      left = true;
      for (const { key } of places) {
        const rest = (this.#streams.get(key) ?? 1) - 1;
        if (rest > 0) this.#streams.set(key, rest);
        else this.#streams.delete(key);
      }
      if (terminal) this.#spend(caller, tokensOf(terminal));
    };
  }

  /** A count that cannot be kept must not break an answer that has ended. */
  #spend(caller: Caller, tokens: number): void {
    if (tokens === 0) return;
    const quietly = (counting: Promise<unknown>): void => void counting.catch(() => undefined);
    if (caller.budget) quietly(this.#session.penalty(caller.budget.id, tokens));
    if (this.#settings.tokensPerDay > 0) quietly(this.#daily.penalty(accountOf(caller), tokens));
  }
}

function keysOf({ owner, ip }: Caller): string[] {
  return owner === "" ? [`ip ${ip}`] : [`user ${owner}`, `ip ${ip}`];
}

function accountOf({ owner, ip }: Caller): string {
  return owner === "" ? `ip ${ip}` : `user ${owner}`;
}

async function spent(limiter: RateLimiterAbstract, key: string): Promise<number> {
  return (await limiter.get(key))?.consumedPoints ?? 0;
}

/** The provider's figures where it tells, also of an answer that was stopped: what was generated is paid for. */
function tokensOf(terminal: TerminalChunk): number {
  const usage = terminal.type === "done" ? terminal.usage : undefined;
  const counted = terminal.metrics?.tokenCount ?? 0;
  return usage?.totalTokens ?? (usage?.inputTokens ?? 0) + (usage?.outputTokens ?? counted);
}
