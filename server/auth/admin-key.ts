/** Routes that are open with a secret and closed without one. */
import { createHash, timingSafeEqual } from "node:crypto";

import type { RequestHandler } from "express";

import { GatewayError } from "../errors.ts";

export function requireSecret(secret: string | undefined, words: { closed: string; refused: string }): RequestHandler {
  return (request, _response, next) => {
    if (!secret) throw new GatewayError("forbidden", { message: words.closed });
    const given = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? "")?.[1] ?? "";
    if (!isSame(given, secret)) throw new GatewayError("unauthorized", { message: words.refused });
    next();
  };
}

export function requireAdminKey(adminKey: string | undefined): RequestHandler {
  return requireSecret(adminKey, {
    closed: "The agents routes are closed: set ADMIN_KEY at the gateway to open them.",
    refused: "The agents routes need the admin key: Authorization: Bearer <ADMIN_KEY>.",
  });
}

/** Takes the same time whatever differs; hashing first makes the lengths equal. */
function isSame(given: string, expected: string): boolean {
  return timingSafeEqual(hash(given), hash(expected));
}

function hash(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
