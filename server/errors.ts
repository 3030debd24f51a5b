/** Every failure the gateway can answer with: one table code → HTTP status → fixed message. Nothing an upstream said is ever in it. */
import type { ChatErrorCode } from "../shared/errors.ts";
import type { ErrorChunk } from "../shared/protocol/chunk.ts";

interface CatalogueEntry {
  /** HTTP status when the failure answers a request; an `error` event carries it only where a provider caused it. */
  status: number;
  message: string;
  retryable: boolean;
}

export const ERROR_CATALOGUE = {
  bad_request: { status: 400, message: "The request is not valid.", retryable: false },
  unauthorized: { status: 401, message: "The key is missing or wrong.", retryable: false },
  forbidden: { status: 403, message: "This is not allowed.", retryable: false },
  not_found: { status: 404, message: "There is nothing here.", retryable: false },
  conflict: { status: 409, message: "This does not fit the state of the stream.", retryable: false },
  payload_too_large: { status: 413, message: "The request is larger than 256 KB.", retryable: false },
  rate_limited: { status: 429, message: "Too many requests. Try again in a moment.", retryable: true },
  overloaded: { status: 503, message: "The gateway is at its limit. Try again in a moment.", retryable: true },
  internal: { status: 500, message: "Something went wrong at the gateway.", retryable: true },
  provider_auth: { status: 502, message: "The model's provider did not accept the gateway's key.", retryable: false },
  provider_rate_limited: { status: 503, message: "The model's provider is limiting requests. Try again in a moment.", retryable: true },
  provider_unavailable: { status: 502, message: "The model's provider cannot be reached right now.", retryable: true },
  provider_timeout: { status: 504, message: "The model's provider went silent.", retryable: true },
  provider_error: { status: 502, message: "The model's provider reported an error.", retryable: true },
  producer_lost: { status: 500, message: "The process that wrote this answer has stopped.", retryable: true },
} as const satisfies Partial<Record<ChatErrorCode, CatalogueEntry>>;

export type GatewayErrorCode = keyof typeof ERROR_CATALOGUE;

/** Sentences that say more than the table, still written here and nowhere else. */
export const ERROR_MESSAGES = {
  answerCut: "The model's answer was cut off. What came is kept.",
  providerRefusedRequest: "The model's provider did not accept the request.",
  providerUnknownModel: "The model's provider does not know this model.",
  missingKey: (variable: string) => `This agent's model needs a key: set ${variable} at the gateway.`,
  rateLimitedFor: (seconds: number) => `The model's provider is limiting requests. Try again in ${seconds} s.`,
} as const;

export interface GatewayErrorOptions {
  /** A sentence in place of the table's. Only text of our own: it is shown to people. */
  message?: string;
  /** The field of the request that is wrong, such as `messages[3].role`. */
  field?: string;
  retryable?: boolean;
  /** Status the provider answered with. */
  status?: number;
  /** Wait before trying again, in ms. */
  retryAfterMs?: number;
  /** For the log only. */
  cause?: unknown;
}

/** A failure on its way to the person who asked. */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
  readonly code: GatewayErrorCode;
  readonly field: string | undefined;
  readonly retryable: boolean;
  readonly providerStatus: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: GatewayErrorCode, options: GatewayErrorOptions = {}) {
    super(options.message ?? ERROR_CATALOGUE[code].message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.field = options.field;
    this.retryable = options.retryable ?? ERROR_CATALOGUE[code].retryable;
    this.providerStatus = options.status;
    this.retryAfterMs = options.retryAfterMs;
  }

  get httpStatus(): number {
    return ERROR_CATALOGUE[this.code].status;
  }
}

/** Anything thrown, as a failure that may be shown. What we did not write ourselves becomes `internal`. */
export function toGatewayError(error: unknown): GatewayError {
  return error instanceof GatewayError ? error : new GatewayError("internal", { cause: error });
}

export interface ErrorBody {
  error: { code: GatewayErrorCode; message: string; field?: string; retryable: boolean; retryAfterMs?: number; requestId?: string };
}

/** The JSON body of every 4xx and 5xx. */
export function errorBody(error: GatewayError, requestId?: string): ErrorBody {
  return {
    error: {
      code: error.code,
      message: error.message,
      ...(error.field === undefined ? {} : { field: error.field }),
      retryable: error.retryable,
      ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
      ...(requestId === undefined ? {} : { requestId }),
    },
  };
}

/** The same failure as the terminal event of a stream. */
export function errorChunk(error: GatewayError): ErrorChunk {
  return {
    type: "error",
    code: error.code,
    message: error.message,
    retryable: error.retryable,
    ...(error.providerStatus === undefined ? {} : { status: error.providerStatus }),
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
  };
}
