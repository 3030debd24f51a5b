/**
 * One streaming POST to a provider: status → catalogue error, silence → `provider_timeout`, abort → the connection closes.
 *
 * The watchdog runs only while we wait for the provider: time the reader spends elsewhere (a slow client, a full log) is not
 * the provider's silence.
 */
import { setTimeout } from "node:timers/promises";

import { readChunkBatches } from "../../shared/dialects/read-chunks.ts";
import type { Dialect } from "../../shared/dialects/dialect.ts";
import type { StreamChunk } from "../../shared/protocol/chunk.ts";
import { withoutSecrets } from "../logger.ts";
import { configuredFetch } from "../outbound.ts";
import { ERROR_MESSAGES, errorChunk, GatewayError } from "../errors.ts";
import type { ModelTurn } from "./provider.ts";

/** Longest error body that is read for the debug log, in characters, and the longest wait for it, in ms. */
const DETAIL_CHARS = 4096;
const DETAIL_WAIT_MS = 1000;

export interface UpstreamLimits {
  /** Longest silence of the provider, in ms. @defaultValue `90_000` */
  idleMs?: number | undefined;
  /** Times a request is made again that was refused before the first byte of an answer. @defaultValue `2` */
  maxRetries?: number | undefined;
}

/** First wait before a retry, in ms; doubles. A provider's own `Retry-After` goes before it, up to the longest. */
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;

export interface UpstreamRequest extends UpstreamLimits {
  url: string;
  headers: Record<string, string>;
  body: unknown;
  dialect: Dialect;
  signal: AbortSignal;
  /** Never to appear anywhere: cut out of every detail. */
  secrets: readonly string[];
  onDetail?: ModelTurn["onDetail"];
  onToken?: ModelTurn["onToken"];
}

export async function* streamUpstream(request: UpstreamRequest): AsyncGenerator<StreamChunk, void, undefined> {
  const { signal, dialect, onToken } = request;
  const detail = (text: string): void => request.onDetail?.(withoutSecrets(text, request.secrets));
  const watchdog = new Watchdog(request.idleMs ?? 90_000);
  try {
    const response = await open(request, watchdog, detail);
    if (response instanceof GatewayError) {
      yield errorChunk(response);
      return;
    }
    if (!response.body) {
      yield errorChunk(new GatewayError("provider_error", { message: ERROR_MESSAGES.answerCut }));
      return;
    }
    const body = watchdog.watch(response.body);
    for await (const batch of readChunkBatches(body, { dialect, onReport: (error) => detail(error.message) })) {
      for (const chunk of batch) {
        if (chunk.type === "token" && onToken) {
          const wait = onToken(chunk);
          if (wait && !(await wait)) return;
        } else if (chunk.type !== "error") yield chunk;
        else yield signal.aborted ? { type: "cancelled", reason: "user" } : publicError(chunk, detail, watchdog.fired);
      }
    }
  } catch (error) {
    if (signal.aborted) {
      yield { type: "cancelled", reason: "user" };
      return;
    }
    detail(describe(error));
    // readChunkBatches throws for nothing the body does, so this is a connection that never gave an answer.
    yield errorChunk(new GatewayError(watchdog.fired ? "provider_timeout" : "provider_unavailable"));
  } finally {
    watchdog.stop();
  }
}

/**
 * The answer's beginning, or why there is none. A request that was refused or never arrived has cost nothing, so it is made
 * again; one that was answered with a single byte never is.
 */
async function open(request: UpstreamRequest, watchdog: Watchdog, detail: (text: string) => void): Promise<Response | GatewayError> {
  const { signal, maxRetries = 2 } = request;
  for (let attempt = 0; ; attempt++) {
    let failure: GatewayError;
    let mayRetry: boolean;
    try {
      const response = await watchdog.during(
        configuredFetch(request.url, {
          method: "POST",
          headers: { "content-type": "application/json", accept: "text/event-stream", ...request.headers },
          body: JSON.stringify(request.body),
          signal: AbortSignal.any([signal, watchdog.signal]),
        }),
      );
      if (response.ok) return response;
      detail(`HTTP ${response.status}: ${await readDetail(response.body)}`);
      failure = statusError(response.status, response.headers);
      mayRetry = response.status === 429 || response.status >= 500;
    } catch (error) {
      if (signal.aborted || watchdog.fired || !neverArrived(error)) throw error;
      detail(describe(error));
      failure = new GatewayError("provider_unavailable");
      mayRetry = true;
    }
    const waitMs = failure.retryAfterMs ?? FIRST_RETRY_MS * 2 ** attempt * (1 - Math.random() / 2);
    if (!mayRetry || attempt >= maxRetries || waitMs > LONGEST_RETRY_MS) return failure;
    detail(`attempt ${attempt + 1} failed, the next one is in ${Math.round(waitMs)} ms`);
    await setTimeout(waitMs, undefined, { signal });
  }
}

/** The connection was not made, or an idle one had been closed by the other side. */
function neverArrived(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  return ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "UND_ERR_CONNECT_TIMEOUT", "UND_ERR_SOCKET"].includes(
    String(code),
  );
}

/**
 * What is wrong with a key or a model, from the provider's page of that model; `undefined` when nothing is known. Never rejects.
 * Some servers (vLLM, OpenRouter) have no page for one model, only the list of all.
 */
export async function checkModel(asked: {
  url: string;
  /** Where the list is, for servers that may have nothing else. */
  listUrl?: string | undefined;
  headers: Record<string, string>;
  setting: string;
  model: string;
  signal: AbortSignal;
}): Promise<string | undefined> {
  const host = new URL(asked.url).host;
  try {
    const response = await configuredFetch(asked.url, { headers: asked.headers, signal: asked.signal });
    await response.body?.cancel();
    if (response.status === 401 || response.status === 403) return `${asked.setting} was not accepted by ${host}`;
    if (response.status === 404) return (await isListed(asked)) ? undefined : `the model ${asked.model} is not known to ${host}`;
    // 400 is what Gemini says to a wrong key. Servers that have no such page say other things.
    return response.status === 400 && asked.setting.startsWith("GEMINI") ? `${asked.setting} was not accepted by ${host}` : undefined;
  } catch {
    return asked.signal.aborted ? undefined : `${host} cannot be reached`;
  }
}

/** Whether a model is in the server's list, or there is no list to say that it is not. */
async function isListed({ listUrl, headers, model, signal }: Parameters<typeof checkModel>[0]): Promise<boolean> {
  if (listUrl === undefined) return false;
  const response = await configuredFetch(listUrl, { headers, signal });
  const body: unknown = response.ok ? await response.json().catch(() => null) : null;
  const entries: unknown = typeof body === "object" && body !== null && "data" in body ? body.data : null;
  if (!Array.isArray(entries) || entries.length === 0) return true;
  const id = model.slice(model.indexOf("/") + 1);
  const names = (entries as ({ id?: unknown } | null)[]).map((entry) => entry?.id);
  return names.includes(id) || names.includes(`${id}:latest`);
}

/** Aborts when one wait for the provider lasts too long. */
class Watchdog {
  readonly #idleMs: number;
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #isWaiting = false;
  fired = false;

  constructor(idleMs: number) {
    this.#idleMs = idleMs;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  async during<T>(wait: Promise<T>): Promise<T> {
    this.#isWaiting = true;
    // One timer, set forward: making one for every piece of an answer costs more.
    if (this.#timer) this.#timer.refresh();
    else this.#timer = globalThis.setTimeout(() => this.#bark(), this.#idleMs);
    try {
      return await wait;
    } finally {
      this.#isWaiting = false;
    }
  }

  #bark(): void {
    if (!this.#isWaiting) return;
    this.fired = true;
    this.#controller.abort();
  }

  async *watch(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    const iterator = body[Symbol.asyncIterator]();
    let finished = false;
    try {
      for (;;) {
        const next = await this.during(iterator.next());
        if (next.done) {
          finished = true;
          return;
        }
        yield next.value;
      }
    } finally {
      if (!finished) void iterator.return?.()?.catch(() => undefined);
    }
  }

  stop(): void {
    clearTimeout(this.#timer);
    // Closes the connection when the reader left before the end; after a whole body it does nothing.
    this.#controller.abort();
  }
}

function statusError(status: number, headers: Headers): GatewayError {
  if (status === 401 || status === 403) return new GatewayError("provider_auth", { status });
  if (status === 429) {
    const retryAfterMs = parseRetryAfter(headers.get("retry-after"));
    return new GatewayError("provider_rate_limited", {
      status,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs, message: ERROR_MESSAGES.rateLimitedFor(Math.ceil(retryAfterMs / 1000)) }),
    });
  }
  if (status === 408 || status === 504) return new GatewayError("provider_timeout", { status });
  if (status >= 500) return new GatewayError("provider_unavailable", { status, ...retryAfter(headers) });
  if (status === 404) return new GatewayError("provider_error", { status, retryable: false, message: ERROR_MESSAGES.providerUnknownModel });
  return new GatewayError("provider_error", { status, retryable: false, message: ERROR_MESSAGES.providerRefusedRequest });
}

function retryAfter(headers: Headers): { retryAfterMs?: number } {
  const retryAfterMs = parseRetryAfter(headers.get("retry-after"));
  return retryAfterMs === undefined ? {} : { retryAfterMs };
}

/** Seconds or an HTTP date, at most an hour. */
export function parseRetryAfter(value: string | null): number | undefined {
  if (!value) return undefined;
  const ms = /^\d+(\.\d+)?$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.min(Math.max(0, Math.round(ms)), 3_600_000) : undefined;
}

/** An error inside the stream: our words for the person, the provider's for the debug log. */
function publicError(chunk: StreamChunk & { type: "error" }, detail: (text: string) => void, timedOut: boolean): StreamChunk {
  detail(`${chunk.code}: ${chunk.detail ?? chunk.message}`);
  if (timedOut) return errorChunk(new GatewayError("provider_timeout"));
  switch (chunk.code) {
    case "truncated":
    case "network":
    case "idle_timeout":
      return errorChunk(new GatewayError("provider_error", { message: ERROR_MESSAGES.answerCut, retryable: true }));
    case "provider_auth":
    case "provider_rate_limited":
    case "provider_unavailable":
    case "provider_timeout":
      return errorChunk(
        new GatewayError(chunk.code, {
          retryable: chunk.retryable,
          ...(chunk.status === undefined ? {} : { status: chunk.status }),
          ...(chunk.retryAfterMs === undefined ? {} : { retryAfterMs: chunk.retryAfterMs }),
        }),
      );
    default:
      return errorChunk(new GatewayError("provider_error", { retryable: chunk.retryable }));
  }
}

async function readDetail(body: AsyncIterable<Uint8Array> | null): Promise<string> {
  if (!body) return "";
  let text = "";
  let late = false;
  const read = async (): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const bytes of body) {
      text += decoder.decode(bytes, { stream: true });
      if (late || text.length >= DETAIL_CHARS) return;
    }
  };
  let timer: NodeJS.Timeout | undefined;
  const wait = new Promise<void>((resolve) => (timer = globalThis.setTimeout(resolve, DETAIL_WAIT_MS)));
  // The status alone decides; the text is only for the debug log, so a body that breaks or trickles is not waited for.
  await Promise.race([read().catch(() => undefined), wait]);
  late = true;
  clearTimeout(timer);
  return text.slice(0, DETAIL_CHARS);
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : "";
  return `${error.name}: ${error.message}${cause}`;
}
