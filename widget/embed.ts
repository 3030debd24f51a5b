/**
 * The one-tag embed: `<script type="module" src="…/embed.js" data-endpoint="/api/chat" data-agent-id="docs">`.
 *
 * Every `data-*` becomes an attribute of a `<chanl-chat>`, floating unless `data-mode` says otherwise. A floating chat shows only
 * its launcher; the rest is loaded when the visitor comes near it, or when the page has nothing else to do.
 * `data-src` names the script with the rest, where it is not `chanl-chat.js` beside this one.
 */
import type { ChanlChat } from "./chanl-chat.ts";

/** Above what runs at once: a constant that is read before its line is nothing in the built script. */
const STYLE = `
div{all:initial;position:fixed;inset:auto;inset-block-end:var(--chanl-offset-y,20px);inset-inline-end:var(--chanl-offset-x,20px);z-index:var(--chanl-z-index,2147483000);overflow:visible}
div.start{inset-inline:var(--chanl-offset-x,20px) auto}
button{all:unset;box-sizing:border-box;display:inline-grid;place-items:center;width:var(--chanl-launcher-size,56px);height:var(--chanl-launcher-size,56px);border-radius:50%;cursor:pointer;font:600 max(15px,.9375em)/1.55 var(--chanl-font,ui-sans-serif,system-ui,sans-serif);background:var(--chanl-accent,var(--accent,light-dark(#2b59d9,#8faeff)));color:var(--chanl-on-accent,light-dark(#fff,#0c1430));box-shadow:0 0 0 1px light-dark(rgb(255 255 255/.5),rgb(0 0 0/.4)),0 8px 22px -6px light-dark(rgb(22 25 31/.4),rgb(0 0 0/.8))}
button.pill{display:inline-flex;align-items:center;gap:9px;width:auto;padding-inline:17px 21px;border-radius:calc(var(--chanl-launcher-size,56px)/2)}
button:focus-visible{outline:2px solid var(--chanl-focus,light-dark(#2b59d9,#8faeff));outline-offset:2px}
svg{width:25px;height:25px;fill:none;stroke:currentColor;stroke-width:1.75;stroke-linecap:round;stroke-linejoin:round}
@media(forced-colors:active){button{border:1px solid CanvasText}}
`;

const script = [...document.querySelectorAll<HTMLScriptElement>("script[src]")].find(({ src }) => src === import.meta.url);
if (script && !script.dataset["embedded"]) {
  script.dataset["embedded"] = "";
  embed(script);
}

function embed(from: HTMLScriptElement): void {
  const { src = "./chanl-chat.js", embedded: _, ...options } = from.dataset;
  const url = new URL(src, import.meta.url).href;
  let loading: Promise<unknown> | undefined;
  const load = (): Promise<unknown> => (loading ??= import(/* @vite-ignore */ url));

  const chat = document.createElement("chanl-chat");
  chat.setAttribute("mode", "floating");
  for (const [name, value] of Object.entries(options))
    chat.setAttribute(
      name.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`),
      value ?? "",
    );
  const floating = chat.getAttribute("mode") === "floating";
  if (floating) document.body.append(chat);
  else from.after(chat);

  if (!floating || chat.hasAttribute("open") || customElements.get("chanl-chat")) {
    void load();
    return;
  }
  if (chat.getAttribute("launcher") !== "none") standIn(chat, load);
  whenIdle(() => void load());
}

/** A launcher that looks like the real one, until the real one is there. */
function standIn(chat: ChanlChat, load: () => Promise<unknown>): void {
  const host = document.createElement("div");
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  root.adoptedStyleSheets = [sheet];

  const layer = document.createElement("div");
  const paged = chat.getAttribute("layer") === "page";
  if (!paged) layer.popover = "manual";
  layer.className = chat.getAttribute("position") === "start" ? "start" : "";
  const button = document.createElement("button");
  button.type = "button";
  const label = chat.getAttribute("launcher-label") || "Open chat";
  const pill = chat.getAttribute("launcher") === "pill";
  button.setAttribute("aria-label", label);
  button.setAttribute("aria-haspopup", "dialog");
  button.setAttribute("aria-expanded", "false");
  button.append(chatIcon());
  if (pill) {
    button.className = "pill";
    button.append(label);
  }
  const accent = chat.getAttribute("accent") ?? "";
  if (/^#[\da-f]{3,6}$/i.test(accent)) layer.style.setProperty("--accent", accent);
  layer.append(button);
  root.append(layer);
  document.body.append(host);
  if (!paged) layer.showPopover();

  let wanted = false;
  const come = (): void => {
    load()
      .then(() => customElements.whenDefined("chanl-chat"))
      .then(() => chat.updateComplete)
      .then(() => {
        const focused = root.activeElement !== null;
        host.remove();
        if (wanted) return chat.show();
        return focused ? chat.focus() : undefined;
      })
      // The stand-in stays; the next click tries again.
      .catch(() => undefined);
  };
  for (const near of ["pointerenter", "focus", "touchstart"]) button.addEventListener(near, come, { once: true, passive: true });
  button.addEventListener("click", () => {
    wanted = true;
    come();
  });
  void customElements.whenDefined("chanl-chat").then(come);
}

function chatIcon(): SVGSVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", "M20 11.5a7.5 7.5 0 0 1-11 6.6L4.5 19.5 6 15.3A7.5 7.5 0 1 1 20 11.5Z");
  svg.append(path);
  return svg;
}

/** Once the page has loaded and rests; never for visitors who save data. */
function whenIdle(run: () => void): void {
  if ((navigator as { connection?: { saveData?: boolean } }).connection?.saveData) return;
  const rest = (): unknown => ("requestIdleCallback" in window ? requestIdleCallback(run) : setTimeout(run, 2_000));
  if (document.readyState === "complete") rest();
  else addEventListener("load", rest, { once: true });
}
