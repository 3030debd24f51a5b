/** What else can go along: the selection, a picture of the page, another tab. */
import { html, nothing, render } from "lit";

import { t } from "../i18n.ts";
import { lookAt, PageError, sitePattern } from "../page/access.ts";
import type { PageContext } from "../page/page-context.ts";
import { readPage } from "../page/page-text.ts";

interface Item {
  label: unknown;
  action: () => void | Promise<void>;
}

export function contextMenu(host: HTMLElement, context: PageContext, windowId: number, say: (message: string) => void): void {
  const target = context.page?.kind === "readable" ? context.page.target : null;
  const ofPage: Item[] = target
    ? [
        {
          label: t("addSelection"),
          async action() {
            if (!(await context.addSelection())) say(t("nothingSelected"));
          },
        },
        {
          label: t("addPicture"),
          async action() {
            const { cropDialog } = await import("./crop-dialog.ts");
            const part = await cropDialog(host, target);
            if (part) context.add(part);
          },
        },
        {
          // Kept after the page goes elsewhere and comes back. Chrome asks, for this site only.
          label: t("allowSite", new URL(target.url).host),
          async action() {
            await chrome.permissions.request({ origins: [sitePattern(target.origin)] });
          },
        },
      ]
    : [];
  const opener = document.activeElement;
  const tabs: Item = {
    label: t("addTab"),
    async action() {
      // Titles and addresses of the other tabs are hidden without it.
      if (await chrome.permissions.request({ permissions: ["tabs"] }))
        menu(host, t("addTab"), await tabItems(context, windowId, say), say, opener);
    },
  };
  menu(host, t("addContext"), [...ofPage, tabs], say, opener);
}

/** Arrows, Home and End move in it. Left without a choice, the focus goes back to what opened it; after one, one goes on writing. */
function menu(host: HTMLElement, label: string, items: readonly Item[], say: (message: string) => void, opener: Element | null): void {
  const close = (focus: Element | null | undefined): void => {
    render(nothing, host);
    if (focus instanceof HTMLElement) focus.focus();
  };
  const choose = (action: Item["action"]): void => {
    close(opener?.closest("chanl-chat"));
    void Promise.resolve(action()).catch((error: unknown) => say(error instanceof PageError ? error.message : t("pageFailed")));
  };
  const onKey = (event: KeyboardEvent): void => {
    const buttons = [...host.querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (to !== undefined) buttons.at(to % buttons.length)?.focus();
    else if (event.key === "Escape" || event.key === "Tab") close(opener);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const item = (text: unknown, onClick: () => void) =>
    html`<button type="button" role="menuitem" tabindex="-1" @click=${onClick}>${text}</button>`;
  render(
    html`<div class="sheet" role="menu" aria-label=${label} @keydown=${onKey}>
      ${items.map(({ label: text, action }) => item(text, () => choose(action)))} ${item(t("cancel"), () => close(opener))}
    </div>`,
    host,
  );
  host.querySelector("button")?.focus();
}

async function tabItems(context: PageContext, windowId: number, say: (message: string) => void): Promise<Item[]> {
  const tabs = (await chrome.tabs.query({ windowId })).filter(({ url }) => url !== undefined && /^https?:/.test(url));
  return tabs.map(({ id, title, url = "" }) => ({
    label: html`<span dir="auto">${title}</span> <small><bdi dir="ltr">${new URL(url).host}</bdi></small>`,
    async action() {
      if (id === undefined) return;
      // Asked for in the click that chose it; nothing is asked where it is allowed already.
      const isAllowed = await chrome.permissions.request({ origins: [sitePattern(url)] });
      if (!isAllowed) return;
      const page = await lookAt(id);
      if (page.kind !== "readable") return say(t("pageClosed"));
      context.add(await readPage(page.target));
    },
  }));
}
