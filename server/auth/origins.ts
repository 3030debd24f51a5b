/**
 * Which pages may use the gateway. CORS only stops a page from reading an answer; the request still runs and costs money,
 * so the `Origin` header itself decides, for HTTP and for the WebSocket upgrade (browsers apply no CORS there at all).
 * Requests without an `Origin` come from servers and tools, not from a page a person was lured to.
 */
import type { RequestHandler } from "express";

import { GatewayError } from "../errors.ts";

export interface OriginPolicyOptions {
  allowedOrigins: readonly string[];
  allowedExtensionIds: readonly string[];
  /** Let in extensions and pages of this machine. */
  devOrigins: boolean;
}

const ALLOWED_HEADERS = "Content-Type, Authorization, Last-Event-ID, Idempotency-Key, X-Requested-With";
const EXPOSED_HEADERS = "X-Stream-Id, X-Chanl-Stream, Retry-After";

export class OriginPolicy {
  readonly #origins: ReadonlySet<string>;
  readonly #devOrigins: boolean;

  constructor({ allowedOrigins, allowedExtensionIds, devOrigins }: OriginPolicyOptions) {
    this.#origins = new Set([...allowedOrigins, ...allowedExtensionIds.map((id) => `chrome-extension://${id}`)]);
    this.#devOrigins = devOrigins;
  }

  /** @throws GatewayError `forbidden`, saying which origin and which setting. */
  check(origin: string | undefined, host: string | undefined): void {
    if (origin === undefined || this.#origins.has(origin)) return;
    // A server of this machine is known by this machine's names. Any other name that leads here may be a page's own that was
    // pointed at 127.0.0.1 after it was loaded (DNS rebinding): it has to be in ALLOWED_ORIGINS.
    if (isSameOrigin(origin, host) && (!this.#devOrigins || isDevOrigin(origin))) return;
    if (this.#devOrigins && isDevOrigin(origin)) return;
    const extension = /^chrome-extension:\/\/([a-p]{32})$/.exec(origin)?.[1];
    const shown = origin.slice(0, 200);
    throw new GatewayError("forbidden", {
      message: extension
        ? `The extension ${extension} may not use this gateway. To let it in, add ${extension} to ALLOWED_EXTENSION_IDS.`
        : `The origin ${shown} may not use this gateway. To let it in, add ${shown} to ALLOWED_ORIGINS.`,
    });
  }

  /** Refuses foreign origins, and answers preflights. The headers are set first, so that a page can read its errors. */
  middleware(): RequestHandler {
    return (request, response, next) => {
      const { origin, host } = request.headers;
      response.vary("Origin");
      try {
        this.check(origin, host);
      } catch (error) {
        // An extension that is not let in may read why: its person is the one who can add it. It holds nothing but its own id.
        if (origin?.startsWith("chrome-extension://")) response.setHeader("Access-Control-Allow-Origin", origin);
        throw error;
      }
      if (origin !== undefined) {
        response.setHeader("Access-Control-Allow-Origin", origin);
        response.setHeader("Access-Control-Expose-Headers", EXPOSED_HEADERS);
      }
      if (request.method !== "OPTIONS") return next();
      response.setHeader("Access-Control-Allow-Methods", "GET, POST, PATCH, DELETE, OPTIONS");
      response.setHeader("Access-Control-Allow-Headers", ALLOWED_HEADERS);
      response.setHeader("Access-Control-Max-Age", "600");
      response.status(204).end();
    };
  }
}

/** Compared by host alone: behind a proxy that ends TLS the gateway itself does not know the scheme. */
function isSameOrigin(origin: string, host: string | undefined): boolean {
  return host !== undefined && URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}

function isDevOrigin(origin: string): boolean {
  return /^chrome-extension:\/\/[a-p]{32}$/.test(origin) || /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/.test(origin);
}
