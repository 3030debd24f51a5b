/**
 * Sessions: a site's own back end trades its secret for a short-lived token that a page may hold. The token names the user, the
 * agent, the site's origin and a budget, and the gateway believes it because it signed it: nothing is stored.
 */
import { hkdfSync, randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";

import { errors, jwtVerify, SignJWT } from "jose";

import { GatewayError } from "../errors.ts";

export interface SessionClaims {
  /** Name of the user in the site's own words. */
  user: string;
  agentId: string;
  /** The site the token works on, as a browser sends it. */
  origin?: string | undefined;
  /** Tokens of the model the session may spend. */
  budget?: number | undefined;
}

export interface Session extends SessionClaims {
  /** Random, unique to the session. */
  id: string;
  /** ms since the epoch. */
  expiresAt: number;
}

/** Longest and usual life of a token, in s: a stolen one is soon worth nothing, and pages renew theirs by themselves. */
export const MAX_SESSION_S = 600;

const ISSUER = "chanl-chat";
const ALGORITHM = "HS256";

export class SessionTokens {
  readonly #key: Uint8Array;

  /** @param secret The site's. Instances with the same one accept each other's tokens. */
  constructor(secret: string) {
    // Not the secret itself: a token must say nothing about what it was made with.
    this.#key = new Uint8Array(hkdfSync("sha256", secret, "", "chanl-chat session tokens v1", 32));
  }

  async issue({ user, agentId, origin, budget }: SessionClaims, lifeS = MAX_SESSION_S): Promise<{ token: string; expiresAt: number }> {
    const expiresAt = Math.floor(Date.now() / 1000) + lifeS;
    const token = await new SignJWT({ ...(origin === undefined ? {} : { origin }), ...(budget === undefined ? {} : { budget }) })
      .setProtectedHeader({ alg: ALGORITHM })
      .setIssuer(ISSUER)
      .setSubject(user)
      .setAudience(agentId)
      .setJti(randomBytes(12).toString("base64url"))
      .setIssuedAt()
      .setExpirationTime(expiresAt)
      .sign(this.#key);
    return { token, expiresAt: expiresAt * 1000 };
  }

  /** @throws GatewayError `unauthorized` for a token that is not ours, was changed, or is over. */
  async verify(token: string): Promise<Session> {
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        issuer: ISSUER,
        algorithms: [ALGORITHM],
        requiredClaims: ["sub", "aud", "jti", "exp"],
      });
      const { sub = "", aud, jti = "", exp = 0, origin, budget } = payload;
      return {
        id: jti,
        user: sub,
        agentId: String(aud),
        expiresAt: exp * 1000,
        ...(typeof origin === "string" ? { origin } : {}),
        ...(typeof budget === "number" ? { budget } : {}),
      };
    } catch (error) {
      const isOver = error instanceof errors.JWTExpired;
      throw new GatewayError("unauthorized", { message: isOver ? "The session has ended." : "The session token is not valid." });
    }
  }
}

/** `Authorization: Bearer …`, or over the WebSocket, where a browser can send no header, the subprotocol `bearer.…`. */
export function tokenOf({ headers }: IncomingMessage): string | undefined {
  const bearer = /^Bearer\s+(\S+)$/i.exec(headers.authorization ?? "")?.[1];
  if (bearer !== undefined) return bearer;
  const protocols = headers["sec-websocket-protocol"] ?? "";
  return /(?:^|,)\s*bearer\.([\w.-]+)\s*(?:,|$)/.exec(protocols)?.[1];
}
