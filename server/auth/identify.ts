/** A request → its caller. */
import type { IncomingMessage } from "node:http";

import { GatewayError } from "../errors.ts";
import type { Caller } from "./caller.ts";
import { clientAddress } from "./client-address.ts";
import { tokenOf, type SessionTokens } from "./session-tokens.ts";

export interface IdentifyOptions {
  /** Missing where no site has a secret. */
  tokens: SessionTokens | undefined;
  /** Whether callers without a token are let in. */
  anonymous: boolean;
  trustedProxies: number;
  /** One's own way to tell; it goes before tokens. */
  own?: ((request: IncomingMessage) => string | Promise<string>) | undefined;
}

export type Identify = (request: IncomingMessage) => Promise<Caller>;

/** @throws (when called) GatewayError `unauthorized` without a valid token where one is needed, `forbidden` on another site than the token's. */
export function createIdentify({ tokens, anonymous, trustedProxies, own }: IdentifyOptions): Identify {
  return async (request) => {
    const ip = clientAddress(request, trustedProxies);
    if (own) return { owner: await own(request), ip };
    const token = tokenOf(request);
    if (tokens && token !== undefined) {
      const session = await tokens.verify(token);
      const { origin } = request.headers;
      if (session.origin !== undefined && origin !== undefined && origin !== session.origin)
        throw new GatewayError("forbidden", { message: `This session is for pages of ${session.origin}.` });
      return {
        // Two agents of one site are two owners: a token for one finds nothing of the other.
        owner: JSON.stringify([session.user, session.agentId]),
        ip,
        agentId: session.agentId,
        expiresAt: session.expiresAt,
        ...(session.budget === undefined ? {} : { budget: { id: session.id, tokens: session.budget } }),
      };
    }
    if (tokens && !anonymous) {
      const message = "This gateway needs a session token. The site's own server gets one from POST /api/sessions.";
      throw new GatewayError("unauthorized", { message });
    }
    return { owner: "", ip };
  };
}
