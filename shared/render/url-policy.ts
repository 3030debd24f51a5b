/**
 * Which addresses written by a model may become links or images. An allow-list, decided on the parsed URL, and the
 * parsed URL is what goes into the attribute: there is no second reading that could differ.
 */

export interface SafeUrl {
  href: string;
  /** Empty for mailto, tel and fragments. */
  host: string;
  /** Of a web address, such as `https://example.com`; else empty. */
  origin: string;
  /** It leads away from the page's origin. */
  foreign: boolean;
}

const LINK = /^(?:https?|mailto|tel):/i;
const WEB = /^https?:/;
/** Raster formats: an SVG can hold script and further requests. */
const DATA_IMAGE = /^data:image\/(?:png|gif|jpeg|webp);base64,[a-z0-9+/=]*$/i;

/** White space, control and format characters: browsers skip some of them in front of and inside a scheme. */
const INVISIBLE = /[\p{Z}\p{Cc}\p{Cf}]+/gu;
const SCHEME = /^[a-z][a-z0-9+.-]*:/i;

const NO_HOST = { host: "", origin: "", foreign: false };

function parse(address: string, base: string): URL | null {
  try {
    return new URL(address, base);
  } catch {
    return null;
  }
}

/** The address of a link, or null when it must stay text. */
export function safeLink(address: string, base: string): SafeUrl | null {
  const visible = address.replace(INVISIBLE, "");
  // A fragment belongs to the page, whatever the page's own scheme is.
  if (visible.startsWith("#")) return { ...NO_HOST, href: `#${encodeURI(visible.slice(1))}` };
  const url = parse(address.trim(), base);
  if (!url) return null;
  const { href, protocol } = url;
  const home = parse(base, base);
  const web = WEB.test(protocol);
  if (SCHEME.test(visible)) {
    if (!LINK.test(protocol) || !LINK.test(visible)) return null;
    // Relative to a page of another scheme (an extension's panel, a file) is fine as long as it stays there.
  } else if (!web && !(protocol === home?.protocol && url.host === home.host)) return null;
  const { host, origin } = web ? url : NO_HOST;
  return { href, host, origin, foreign: web && origin !== home?.origin };
}

/** The address of an image, or null. Nothing is requested before the reader asks for it. */
export function safeImage(address: string, base: string): SafeUrl | null {
  const trimmed = address.trim();
  if (DATA_IMAGE.test(trimmed)) return { href: trimmed, host: "data", origin: "data:", foreign: false };
  const url = safeLink(trimmed, base);
  return url && url.host !== "" ? url : null;
}

const LOOKS_LIKE_HOST = /^(?:[a-z]+:\/\/)?(?:[^\s/@]*@)?((?:[\p{L}\p{N}_-]+\.)+[\p{L}]{2,}\.?)(?::\d+)?(?:[/?#].*)?$/iu;

/** Whether a link's text reads like the address of another host than the one it leads to. */
export function labelMisleads(label: string, host: string): boolean {
  const named = LOOKS_LIKE_HOST.exec(label.replace(INVISIBLE, ""))?.[1];
  if (named === undefined) return false;
  // Parsed, so that look-alike letters become punycode and differ.
  const shown = parse(`https://${named}`, "https://x.invalid")?.hostname;
  return shown !== undefined && withoutWww(shown) !== withoutWww(host.replace(/:\d+$/, ""));
}

function withoutWww(host: string): string {
  return host.replace(/^www\./, "").replace(/\.$/, "");
}
