/** The gateway's HTTP side: addresses, headers and answers, shared by every transport. */
import { ChatError, type ChatErrorCode } from "../errors.ts";
import type { ApprovalRequest, ToolResultRequest } from "../protocol/request.ts";
import { parseRetryAfter } from "./retry.ts";
import type { HeadersSource, TransportOptions } from "./transport.ts";

/** The others by their hundreds: `overloaded` from 500 on, `bad_request` below. */
const STATUS_CODES: Record<number, ChatErrorCode> = {
  401: "unauthorized",
  403: "forbidden",
  404: "not_found",
  409: "conflict",
  413: "payload_too_large",
  429: "rate_limited",
};

export class GatewayHttp {
  readonly #endpoint: string;
  readonly #headers: HeadersSource | undefined;
  readonly #fetch: typeof globalThis.fetch;

  constructor({ endpoint, headers, fetch }: Pick<TransportOptions, "endpoint" | "headers" | "fetch">) {
    this.#endpoint = endpoint.replace(/\/+$/, "");
    this.#headers = headers;
    // Called through a wrapper: a detached `fetch` throws "Illegal invocation" in browsers.
    this.#fetch = fetch ?? ((input, init) => globalThis.fetch(input, init));
  }

  url(path: string): string {
    return `${this.#endpoint}${path}`;
  }

  /**
   * @throws ChatError `network` when no answer came, else the code for the status, with the gateway's own sentence.
   */
  async request(
    path: string,
    init: { method: string; headers?: Record<string, string>; body?: unknown; signal?: AbortSignal; keepalive?: boolean },
  ): Promise<Response> {
    const headers = { ...(await resolveHeaders(this.#headers)), ...init.headers };
    const body = init.body === undefined ? null : JSON.stringify(init.body);
    if (body !== null) headers["Content-Type"] = "application/json";
    let response: Response;
    try {
      response = await this.#fetch(this.url(path), {
        method: init.method,
        headers,
        body,
        signal: init.signal ?? null,
        keepalive: init.keepalive ?? false,
      });
    } catch (cause) {
      throw new ChatError("network", "The server could not be reached.", { retryable: true, cause });
    }
    if (response.ok) return response;
    throw await refusal(response);
  }

  /** `keepalive`: a stop must arrive although the page is going away. */
  cancel(streamId: string): Promise<void> {
    return this.#tell(streamId, "cancel", { keepalive: true });
  }

  sendToolResult(streamId: string, body: ToolResultRequest): Promise<void> {
    return this.#tell(streamId, "tool-results", { body });
  }

  sendApproval(streamId: string, body: ApprovalRequest): Promise<void> {
    return this.#tell(streamId, "approvals", { body });
  }

  async #tell(streamId: string, action: string, init: { body?: unknown; keepalive?: boolean }): Promise<void> {
    const response = await this.request(`/stream/${encodeURIComponent(streamId)}/${action}`, { method: "POST", ...init });
    await response.body?.cancel();
  }
}

export async function resolveHeaders(source: HeadersSource | undefined): Promise<Record<string, string>> {
  return { ...(typeof source === "function" ? await source() : source) };
}

async function refusal(response: Response): Promise<ChatError> {
  const { status } = response;
  let message = `The server answered ${status}.`;
  let code = STATUS_CODES[status] ?? (status >= 500 ? "overloaded" : "bad_request");
  try {
    const body = (await response.json()) as { error?: { message?: unknown; code?: unknown } };
    if (typeof body.error?.message === "string") message = body.error.message;
    if (status >= 500 && typeof body.error?.code === "string") code = body.error.code as ChatErrorCode;
  } catch {
    // A proxy's own error page: the status says enough.
  }
  const retryAfterMs = parseRetryAfter(response.headers.get("Retry-After"));
  return new ChatError(code, message, {
    retryable: [408, 425, 429].includes(status) || status >= 500,
    status,
    retryAfterMs,
  });
}
