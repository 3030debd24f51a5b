/**
 * The only way out: every request the gateway makes to another server goes through one of these two.
 *
 * - The address is checked where the connection is made, after the name was resolved: a check of the name alone is passed by a
 *   name that resolves to this machine, or to another address the second time.
 * - A redirect is an error. Following one would hand the key, or the request, to whoever answers there.
 */
import { lookup as lookupName, type LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";

import ipaddr from "ipaddr.js";
import { Agent, fetch as undiciFetch, type RequestInit as UndiciRequestInit } from "undici";

/**
 * - `configured` an address from the configuration: this machine and its network are allowed, a cloud's metadata service is not
 * - `public` an address somebody else named: only public ones
 */
export type Reach = "configured" | "public";

export type OutboundFetch = (input: string | URL, init?: RequestInit) => Promise<Response>;

export class OutboundRefused extends Error {
  override readonly name = "OutboundRefused";
}

/** Metadata services outside of the link-local ranges: AWS over IPv6, Alibaba, Oracle. */
const METADATA = new Set(["fd00:ec2::254", "100.100.100.200", "192.0.0.192"]);

export function isAllowedAddress(address: string, reach: Reach): boolean {
  // IPv4 written as IPv6 is judged as the IPv4 it is.
  const parsed = ipaddr.process(address.replace(/%.*$/, ""));
  if (METADATA.has(parsed.toString())) return false;
  const range = parsed.range();
  if (reach === "public") return range === "unicast";
  return range === "unicast" || range === "loopback" || range === "private" || range === "uniqueLocal" || range === "carrierGradeNat";
}

/** Resolves like Node does, and refuses a name as soon as one of its addresses is not allowed. */
export function guardedLookup(reach: Reach, lookup: typeof lookupName = lookupName): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      if (error) return callback(error, []);
      const refused = addresses.find(({ address }) => !isAllowedAddress(address, reach));
      if (refused) return callback(new OutboundRefused(`${hostname} leads to ${refused.address}, which is not allowed`), []);
      if (options.all) return callback(null, addresses);
      const first = addresses[0];
      return first ? callback(null, first.address, first.family) : callback(new OutboundRefused(`${hostname} has no address`), []);
    });
  };
}

export function createOutboundFetch(reach: Reach, lookup?: typeof lookupName): OutboundFetch {
  // Whoever asks watches for silence itself; undici's own limits of 300 s would end a slow model or an idle MCP stream.
  const dispatcher = new Agent({ connect: { lookup: guardedLookup(reach, lookup), timeout: 10_000 }, headersTimeout: 0, bodyTimeout: 0 });
  return async (input, init = {}) => {
    const url = new URL(input);
    if (url.protocol !== "https:" && url.protocol !== "http:") throw new OutboundRefused(`${url.protocol} is not allowed`);
    // A literal address is connected to without a lookup.
    const host = url.hostname.replace(/^\[|\]$/g, "");
    if (ipaddr.isValid(host) && !isAllowedAddress(host, reach)) throw new OutboundRefused(`${host} is not allowed`);
    return undiciFetch(url, { ...(init as UndiciRequestInit), dispatcher, redirect: "error" });
  };
}

export const configuredFetch = createOutboundFetch("configured");
export const publicFetch = createOutboundFetch("public");
