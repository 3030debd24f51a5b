/** Reads a JSON body whole before anything is answered: Node's request timeout also cuts an answer that runs while its body is unfinished. */
import express, { type RequestHandler } from "express";

import { REQUEST_LIMITS } from "../../shared/protocol/request.ts";
import { GatewayError } from "../errors.ts";

const parser = express.json({ limit: REQUEST_LIMITS.bodyBytes });

export function jsonBody(): RequestHandler {
  return (request, response, next) => {
    parser(request, response, (error?: unknown) => {
      if (error === undefined) return next();
      next(bodyError(error));
    });
  };
}

function bodyError(error: unknown): GatewayError {
  const type = typeof error === "object" && error !== null && "type" in error ? error.type : undefined;
  switch (type) {
    case "entity.too.large":
      return new GatewayError("payload_too_large");
    case "entity.parse.failed":
      return new GatewayError("bad_request", { message: "The body is not valid JSON." });
    case "encoding.unsupported":
    case "charset.unsupported":
      return new GatewayError("bad_request", { message: "The body must be UTF-8, uncompressed or gzip." });
    default:
      return new GatewayError("bad_request", { message: "The body could not be read.", cause: error });
  }
}
