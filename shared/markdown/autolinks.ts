/**
 * Addresses that are links without brackets: `<https://…>` (https://spec.commonmark.org/0.31.2/#autolinks) and the bare
 * ones of GFM (https://github.github.com/gfm/#autolinks-extension-).
 */
import type { Inline } from "./tree.ts";

export interface Autolink {
  href: string;
  text: string;
  /** Offset after it. */
  end: number;
}

export interface BareAutolink extends Autolink {
  /** Nothing but its own characters, or punctuation, stands behind it: it may go on when the text does. */
  reachesEnd: boolean;
}

// The control characters are the ones an address must not hold.
// oxlint-disable-next-line no-control-regex
const URI = /<([A-Za-z][A-Za-z0-9.+-]{1,31}:[^<>\u0000-\u0020]*)>/y;
const EMAIL =
  /<([a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*)>/y;

export function scanAngleAutolink(text: string, offset: number): Autolink | null {
  URI.lastIndex = offset;
  const uri = URI.exec(text);
  if (uri?.[1] !== undefined) return { href: uri[1], text: uri[1], end: URI.lastIndex };
  EMAIL.lastIndex = offset;
  const email = EMAIL.exec(text);
  return email?.[1] === undefined ? null : { href: `mailto:${email[1]}`, text: email[1], end: EMAIL.lastIndex };
}

const BARE = /(?:(?:https?|ftp):\/\/|www\.)([^\s<]*)/iy;
const DOMAIN = /^[\p{L}\p{N}_-]+(?:\.[\p{L}\p{N}_-]+)*/u;
/** What may stand before a bare `www.`; a scheme only needs that no letter or digit stands before it, as in cmark-gfm. */
const BEFORE_WWW = /[\s*_~([]/;
const BEFORE_SCHEME = /[^\p{L}\p{N}]/u;

/**
 * A bare `https://…`, `http://…`, `ftp://…` or `www.…` at `offset`. `insideBrackets` ends it at a `]`, because the
 * brackets may be those of a link.
 */
export function scanBareAutolink(text: string, offset: number, insideBrackets: boolean): BareAutolink | null {
  BARE.lastIndex = offset;
  const match = BARE.exec(text);
  if (!match) return null;
  const reachesEnd = BARE.lastIndex === text.length;
  let url = match[0];
  const www = /^www\./i.test(url);
  if (offset > 0 && !(www ? BEFORE_WWW : BEFORE_SCHEME).test(text[offset - 1] ?? "")) return null;
  if (insideBrackets && url.includes("]")) url = url.slice(0, url.indexOf("]"));
  url = trimTrailing(url);
  const host = DOMAIN.exec(www ? url : url.replace(/^\w+:\/\//, ""))?.[0];
  if (host === undefined || !isDomain(host, www)) return null;
  return { href: www ? `http://${url}` : url, text: url, end: offset + url.length, reachesEnd };
}

/** Segments of letters, digits, "-" and "_"; no underscore in the last two. Behind a scheme one segment is enough (localhost). */
function isDomain(host: string, needsPeriod: boolean): boolean {
  const segments = host.split(".");
  if (needsPeriod && segments.length < 2) return false;
  return !segments.slice(-2).some((segment) => segment.includes("_"));
}

/** GFM, extended autolink path validation: trailing punctuation, unbalanced parentheses and entity-like ends are left out. */
function trimTrailing(url: string): string {
  let end = url.length;
  // Counted once, then kept up to date, so that ")))))…" costs its length and no more.
  let surplus = url.split(")").length - url.split("(").length;
  for (; end > 0; end--) {
    const last = url[end - 1] ?? "";
    if (last === ")") {
      if (surplus-- <= 0) break;
    } else if (last === ";") {
      const entity = /&[a-zA-Z0-9]{1,32};$/.exec(url.slice(Math.max(0, end - 34), end));
      if (entity) end -= entity[0].length - 1;
    } else if (!/[?!.,:*_~'"]/.test(last)) break;
  }
  return url.slice(0, end);
}

const LOCAL = /[a-zA-Z0-9.+_-]/;
const EMAIL_DOMAIN = /[a-zA-Z0-9_-]+(?:\.[a-zA-Z0-9_-]+)+/y;

/**
 * Splits a text at its bare e-mail addresses; returns null when it has none. `growing` leaves out an address at the very
 * end, which may go on.
 */
export function splitEmails(text: string, growing: boolean): Inline[] | null {
  const parts: Inline[] = [];
  let done = 0;
  for (let at = text.indexOf("@"); at >= 0; at = text.indexOf("@", at + 1)) {
    // Back from each "@" instead of forward from each letter, which would be quadratic in the length of a word.
    let start = at;
    while (start > done && LOCAL.test(text[start - 1] ?? "")) start--;
    EMAIL_DOMAIN.lastIndex = at + 1;
    const domain = EMAIL_DOMAIN.exec(text)?.[0];
    if (start === at || domain === undefined || /[-_]$/.test(domain)) continue;
    if (growing && /^\.?$/.test(text.slice(EMAIL_DOMAIN.lastIndex))) continue;
    if (start > done) parts.push({ kind: "text", text: text.slice(done, start) });
    done = at + 1 + domain.length;
    const address = text.slice(start, done);
    parts.push({ kind: "link", href: `mailto:${address}`, title: "", children: [{ kind: "text", text: address }] });
  }
  if (parts.length === 0) return null;
  if (done < text.length) parts.push({ kind: "text", text: text.slice(done) });
  return parts;
}
