/** Whose address a request came from. `X-Forwarded-For` is written by anybody: only what our own proxies added counts. */
import type { IncomingMessage } from "node:http";

/** @param trustedProxies Proxies in front of the gateway. The client is the one the outermost of them saw. */
export function clientAddress(request: IncomingMessage, trustedProxies: number): string {
  const direct = request.socket.remoteAddress ?? "";
  if (trustedProxies === 0) return direct;
  const header = request.headers["x-forwarded-for"];
  const hops = (Array.isArray(header) ? header.join(",") : (header ?? ""))
    .split(",")
    .map((hop) => hop.trim())
    .filter(Boolean);
  return hops.at(-trustedProxies) ?? hops[0] ?? direct;
}
