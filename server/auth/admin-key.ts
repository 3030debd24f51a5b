/** The agents routes: open with the admin key, closed without one. */
import { createHash, timingSafeEqual } from "node:crypto";

import type { RequestHandler } from "express";

import { GatewayError } from "../errors.ts";

export function requireAdminKey(adminKey: string | undefined): RequestHandler {
  return (request, _response, next) => {
    if (!adminKey)
      throw new GatewayError("forbidden", { message: "The agents routes are closed: set ADMIN_KEY at the gateway to open them." });
    const given = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? "")?.[1] ?? "";
    if (!isSame(given, adminKey))
      throw new GatewayError("unauthorized", { message: "The agents routes need the admin key: Authorization: Bearer <ADMIN_KEY>." });
    next();
  };
}

/** Takes the same time whatever differs; hashing first makes the lengths equal. */
function isSame(given: string, expected: string): boolean {
  return timingSafeEqual(hash(given), hash(expected));
}

function hash(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
