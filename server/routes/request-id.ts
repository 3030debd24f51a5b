/** Every answer has an id by which its log lines are found; one that a proxy in front has given is kept. */
import { randomBytes } from "node:crypto";

import type { RequestHandler } from "express";

export const requestId: RequestHandler = (request, response, next) => {
  const given = request.headers["x-request-id"];
  // It goes into logs: nothing but an id.
  const id = typeof given === "string" && /^[\w.:-]{1,128}$/.test(given) ? given : randomBytes(9).toString("base64url");
  response.setHeader("X-Request-Id", id);
  next();
};
