/** The end of every route: an unknown address, and whatever was thrown, as the JSON of the error table. */
import type { ErrorRequestHandler, RequestHandler } from "express";

import { errorBody, GatewayError, toGatewayError } from "../errors.ts";
import type { Logger } from "../logger.ts";

export const notFound: RequestHandler = () => {
  throw new GatewayError("not_found");
};

/** @param onRefused Told the code of every error that is answered. */
export function answerError(logger: Logger, onRefused?: (code: string) => void): ErrorRequestHandler {
  return (thrown: unknown, request, response, _next) => {
    const malformed = thrown instanceof URIError || (thrown instanceof Error && "status" in thrown && thrown.status === 400);
    const error = malformed ? new GatewayError("bad_request") : toGatewayError(thrown);
    if (error.code === "internal") {
      const httpRequestId = response.getHeader("X-Request-Id");
      logger.error({ err: thrown, method: request.method, path: request.path, httpRequestId }, "request failed");
    }
    onRefused?.(error.code);
    // A stream that is already flowing tells its errors as events; here only the connection is left to end.
    if (response.headersSent) {
      response.destroy();
      return;
    }
    if (error.retryAfterMs !== undefined) response.setHeader("Retry-After", String(Math.ceil(error.retryAfterMs / 1000)));
    response.setHeader("Cache-Control", "no-store");
    response.status(error.httpStatus).json(errorBody(error, requestIdOf(request.body)));
  };
}

function requestIdOf(body: unknown): string | undefined {
  const id = typeof body === "object" && body !== null && "requestId" in body ? body.requestId : undefined;
  return typeof id === "string" && id.length <= 128 ? id : undefined;
}
