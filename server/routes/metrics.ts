/** `GET /metrics`: for this machine, or with the admin key. Figures of a business are not for everybody who finds the address. */
import { Router, type Request } from "express";

import { requireAdminKey } from "../auth/admin-key.ts";
import { GatewayError } from "../errors.ts";
import type { GatewayMetrics } from "../metrics.ts";

export interface MetricsRoutesOptions {
  metrics: GatewayMetrics;
  adminKey: string | undefined;
  access: MetricsAccess;
}

export type MetricsAccess = "guarded" | "open" | "off";

export function metricsRoutes({ metrics, adminKey, access }: MetricsRoutesOptions): Router {
  const router = Router();
  const withKey = requireAdminKey(adminKey);
  router.get(
    "/metrics",
    (request, response, next) => {
      if (access === "off") throw new GatewayError("not_found");
      if (access === "open" || isOfThisMachine(request)) next();
      else if (adminKey === undefined) throw new GatewayError("not_found");
      else withKey(request, response, next);
    },
    async (_request, response) => {
      const text = await metrics.text();
      response.setHeader("Cache-Control", "no-store").setHeader("Content-Type", metrics.contentType);
      response.end(text);
    },
  );
  return router;
}

/** Behind a proxy of this machine everybody comes from a loopback address; but then the proxy says for whom. */
function isOfThisMachine(request: Request): boolean {
  const address = request.socket.remoteAddress ?? "";
  const isLoopback = address === "::1" || /^(::ffff:)?127\./.test(address);
  const isProxied = ["x-forwarded-for", "forwarded", "x-real-ip", "via"].some((name) => request.headers[name] !== undefined);
  return isLoopback && !isProxied;
}
