/**
 * Addresses that are links without brackets: `<https://…>` (https://spec.commonmark.org/0.31.2/#autolinks) and the bare
 * ones of GFM (https://github.github.com/gfm/#autolinks-extension-).
 */
import type { Scanned } from "./links.ts";
import type { Inline } from "./tree.ts";

// The control characters are the ones an address must not hold.
const ANGLE =
  // oxlint-disable-next-line no-control-regex
  /<(?:([a-z][a-z0-9.+-]{1,31}:[^<>\u0000-\u0020]*)|([a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*))>/iy;

export function linkTo(href: string, text: string): Inline {
  return { kind: "link", href, title: "", children: [{ kind: "text", text }] };
}

export function scanAngleAutolink(text: string, offset: number): Scanned<Inline> | null {
  ANGLE.lastIndex = offset;
  const [all, address, email = ""] = ANGLE.exec(text) ?? [];
  if (all === undefined) return null;
  return { value: address === undefined ? linkTo(`mailto:${email}`, email) : linkTo(address, address), end: ANGLE.lastIndex };
}

export interface BareAutolink extends Scanned<Inline> {
  /** Nothing but its own characters, or punctuation, stands behind it: it may go on when the text does. */
  reachesEnd: boolean;
}

const BARE = /[^\s<]*/y;
const DOMAIN = /^[\p{L}\p{N}_-]+(?:\.[\p{L}\p{N}_-]+)*/u;
/** What may not stand before a bare `www.`, and before a scheme: there it is only a letter or digit, as in cmark-gfm. */
const BEFORE_WWW = /[^\s*_~([]/;
const BEFORE_SCHEME = /[\p{L}\p{N}]/u;

/**
 * A bare address at `offset`, where `prefix` stands: `https://`, `http://`, `ftp://` or `www.`. `insideBrackets` ends it
 * at a `]`, because the brackets may be those of a link.
 */
export function scanBareAutolink(text: string, offset: number, prefix: string, insideBrackets: boolean): BareAutolink | null {
  const www = prefix.endsWith(".");
  if ((www ? BEFORE_WWW : BEFORE_SCHEME).test(text.charAt(offset - 1))) return null;
  BARE.lastIndex = offset;
  let [url = ""] = BARE.exec(text) ?? [];
  const reachesEnd = offset + url.length === text.length;
  if (insideBrackets) url = url.replace(/\].*/, "");
  url = trimTrailing(url);
  const [host = ""] = DOMAIN.exec(www ? url : url.slice(prefix.length)) ?? [];
  const segments = host.split(".");
  // Behind a scheme one segment is enough (localhost). The last two must hold no underscore.
  if (host === "" || (www && segments.length < 2) || segments.slice(-2).join("").includes("_")) return null;
  return { value: linkTo(www ? `http://${url}` : url, url), end: offset + url.length, reachesEnd };
}

/** GFM, extended autolink path validation: trailing punctuation, unbalanced parentheses and entity-like ends are left out. */
function trimTrailing(url: string): string {
  let end = url.length;
  // Counted once, then kept up to date, so that ")))))…" costs its length and no more.
  let surplus = url.split(")").length - url.split("(").length;
  for (; end > 0; end--) {
    const last = url.charAt(end - 1);
    if (last === ")") {
      if (surplus-- <= 0) break;
    } else if (last === ";") {
      const [entity = ";"] = /&[a-z0-9]{1,32};$/i.exec(url.slice(Math.max(0, end - 34), end)) ?? [];
      end -= entity.length - 1;
    } else if (!/[?!.,:*_~'"]/.test(last)) break;
  }
  return url.slice(0, end);
}

const LOCAL = /[a-z0-9.+_-]/i;
const EMAIL_DOMAIN = /[a-z0-9_-]+(?:\.[a-z0-9_-]+)+/iy;

/**
 * Adds a text to `children`, its bare e-mail addresses as links. `growing` leaves out an address at the very end, which
 * may go on.
 */
export function addWithEmails(children: Inline[], text: string, growing: boolean): void {
  let done = 0;
  for (let at = text.indexOf("@"); at >= 0; at = text.indexOf("@", at + 1)) {
    // Back from each "@" instead of forward from each letter, which would be quadratic in the length of a word.
    let start = at;
    while (start > done && LOCAL.test(text.charAt(start - 1))) start--;
    EMAIL_DOMAIN.lastIndex = at + 1;
    const [domain = "-"] = EMAIL_DOMAIN.exec(text) ?? [];
    const end = at + 1 + domain.length;
    if (start === at || /[-_]$/.test(domain) || (growing && /^\.?$/.test(text.slice(end)))) continue;
    const address = text.slice(start, end);
    if (start > done) children.push({ kind: "text", text: text.slice(done, start) });
    children.push(linkTo(`mailto:${address}`, address));
    done = end;
  }
  if (done < text.length) children.push({ kind: "text", text: text.slice(done) });
}
