/** What else can go along: the selection, a picture of the page, another tab. */
import { html, render } from "lit";

import { t } from "../i18n.ts";
import { lookAt, PageError, sitePattern } from "../page/access.ts";
import type { PageContext } from "../page/page-context.ts";
import { readPage } from "../page/page-text.ts";

export function contextMenu(host: HTMLElement, context: PageContext, windowId: number, say: (message: string) => void): void {
  const close = (): void => {
    document.removeEventListener("keydown", onKey);
    render(null, host);
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === "Escape") close();
  };
  document.addEventListener("keydown", onKey);
  const item = (label: string, action: () => void | Promise<void>) =>
    html`<button
      type="button"
      role="menuitem"
      @click=${() => {
        close();
        void Promise.resolve(action()).catch((error: unknown) => say(error instanceof PageError ? error.message : t("pageFailed")));
      }}
    >
      ${label}
    </button>`;
  const target = context.page?.kind === "readable" ? context.page.target : null;
  render(
    html`<div class="sheet" role="menu" aria-label=${t("addContext")}>
      ${
        target
          ? [
              item(t("addSelection"), async () => {
                if (!(await context.addSelection())) say(t("nothingSelected"));
              }),
              item(t("addPicture"), async () => {
                const { cropDialog } = await import("./crop-dialog.ts");
                const part = await cropDialog(host, target);
                if (part) context.add(part);
              }),
              // Kept after the page goes elsewhere and comes back. Chrome asks, for this site only.
              item(t("allowSite", new URL(target.url).host), async () => {
                await chrome.permissions.request({ origins: [sitePattern(target.origin)] });
              }),
            ]
          : null
      }
      ${item(t("addTab"), async () => {
        // Titles and addresses of the other tabs are hidden without it.
        if (await chrome.permissions.request({ permissions: ["tabs"] })) await tabMenu(host, context, windowId, say);
      })}
      ${item(t("cancel"), () => undefined)}
    </div>`,
    host,
  );
  host.querySelector("button")?.focus();
}

async function tabMenu(host: HTMLElement, context: PageContext, windowId: number, say: (message: string) => void): Promise<void> {
  const tabs = (await chrome.tabs.query({ windowId })).filter(({ url }) => url !== undefined && /^https?:/.test(url));
  const close = (): void => void render(null, host);
  const add = async ({ id, url = "" }: chrome.tabs.Tab): Promise<void> => {
    close();
    if (id === undefined) return;
    // Asked for in the click that chose it; nothing is asked where it is allowed already.
    const isAllowed = await chrome.permissions.request({ origins: [sitePattern(url)] });
    if (!isAllowed) return;
    const page = await lookAt(id);
    if (page.kind !== "readable") return say(t("pageClosed"));
    context.add(await readPage(page.target));
  };
  render(
    html`<div class="sheet" role="menu" aria-label=${t("addTab")}>
      ${tabs.map(
        (tab) =>
          html`<button type="button" role="menuitem" @click=${() => void add(tab).catch(() => say(t("pageFailed")))}>
            <span dir="auto">${tab.title}</span> <small><bdi dir="ltr">${new URL(tab.url ?? "").host}</bdi></small>
          </button>`,
      )}
      <button type="button" role="menuitem" @click=${close}>${t("cancel")}</button>
    </div>`,
    host,
  );
  host.querySelector("button")?.focus();
}
