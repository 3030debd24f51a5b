/** The history over the chat: search, open, name, pin, delete. */
import { html, nothing, render, type TemplateResult } from "lit";

import { t } from "../i18n.ts";
import { deleteConversation, listConversations, pinConversation, renameConversation } from "./catalogue.ts";
import { onHistoryNews, type ConversationEntry } from "./database.ts";
import type { HistorySearch } from "./search.ts";

/** Rows drawn at once. */
const PAGE_ROWS = 60;

export interface HistoryViewOptions {
  current: string;
  /** `false` when another window has it open. */
  open: (id: string) => Promise<boolean>;
  /** What the panel still has to write is written. */
  settled: () => Promise<void>;
  /** The conversation the panel shows is gone. */
  removed: () => void;
}

export async function historyView(host: HTMLElement, options: HistoryViewOptions): Promise<void> {
  await options.settled();
  let entries = await listConversations();
  let search: HistorySearch | null = null;
  let query = "";
  let renaming: string | null = null;
  let note = "";
  let rows = PAGE_ROWS;
  let isClosed = false;

  const refresh = async (): Promise<void> => {
    entries = await listConversations();
    search = null;
    await find(query);
  };
  const stop = onHistoryNews(() => void refresh());
  const close = (): void => {
    isClosed = true;
    stop();
    host.querySelector("dialog")?.close();
    render(nothing, host);
  };
  const find = async (text: string): Promise<void> => {
    query = text;
    rows = PAGE_ROWS;
    if (query.trim() !== "" && !search) {
      const { buildSearch } = await import("./search.ts");
      search = await buildSearch(entries);
    }
    draw();
  };
  const shown = (): ConversationEntry[] => {
    if (query.trim() === "" || !search) return entries;
    const found = search.find(query);
    const byId = new Map(entries.map((entry) => [entry.id, entry]));
    return found.flatMap((id) => byId.get(id) ?? []);
  };
  const open = async (id: string): Promise<void> => {
    if (await options.open(id)) return close();
    note = t("openElsewhere");
    draw();
  };
  const remove = async ({ id, title }: ConversationEntry): Promise<void> => {
    if (!confirm(t("deleteAsk", title))) return;
    if (id === options.current) options.removed();
    await options.settled();
    await deleteConversation(id);
    await refresh();
  };
  const rename = async (id: string, title: string): Promise<void> => {
    renaming = null;
    await renameConversation(id, title);
    await refresh();
  };
  const row = (entry: ConversationEntry): TemplateResult => html`
    <li class=${entry.id === options.current ? "current" : ""}>
      ${
        renaming === entry.id
          ? html`<form
              @submit=${(event: SubmitEvent) => {
                event.preventDefault();
                void rename(entry.id, (event.target as HTMLFormElement).querySelector("input")?.value ?? "");
              }}
            >
              <input name="title" aria-label=${t("rename")} .value=${entry.title} dir="auto" />
              <button type="submit" class="primary">${t("save")}</button>
            </form>`
          : html`<button
                type="button"
                class="title"
                aria-current=${entry.id === options.current ? "true" : nothing}
                @click=${() => void open(entry.id)}
              >
                <span dir="auto">${entry.title || t("untitled")}</span><small>${when(entry.updatedAt)}</small>
              </button>
              <button
                type="button"
                aria-pressed=${entry.pinned ?? false}
                aria-label=${t("pin")}
                title=${t("pin")}
                @click=${() => void pinConversation(entry.id, !entry.pinned).then(refresh)}
              >
                ${entry.pinned ? "★" : "☆"}
              </button>
              <button type="button" aria-label=${t("rename")} title=${t("rename")} @click=${() => startRenaming(entry.id)}>✎</button>
              <button type="button" aria-label=${t("delete")} title=${t("delete")} @click=${() => void remove(entry)}>×</button>`
      }
    </li>
  `;
  const startRenaming = (id: string): void => {
    renaming = id;
    draw();
    host.querySelector<HTMLInputElement>("input[name=title]")?.select();
  };
  const showMore = (): void => {
    rows += PAGE_ROWS;
    draw();
  };
  const draw = (): void => {
    if (isClosed) return;
    const list = shown();
    const focused = document.activeElement;
    render(
      html`<dialog class="history" aria-label=${t("history")} @cancel=${close}>
        <div class="row">
          <h2>${t("history")}</h2>
          <button type="button" aria-label=${t("close")} @click=${close}>×</button>
        </div>
        <input
          type="search"
          aria-label=${t("searchHistory")}
          placeholder=${t("searchHistory")}
          .value=${query}
          @input=${(event: Event) => void find((event.target as HTMLInputElement).value)}
        />
        <p role="status">${note || (query.trim() === "" ? "" : t("found", list.length))}</p>
        <ul>
          ${list.slice(0, rows).map(row)}
        </ul>
        ${
          list.length > rows
            ? html`<button type="button" @click=${() => showMore()}>${t("showMore", list.length - rows)}</button>`
            : nothing
        }
        ${list.length === 0 ? html`<p class="empty">${t(query.trim() === "" ? "noHistory" : "nothingFound")}</p>` : nothing}
      </dialog>`,
      host,
    );
    // The row that had it is gone, or its form is.
    if (focused && !focused.isConnected) host.querySelector<HTMLElement>("input[type=search]")?.focus();
  };
  draw();
  host.querySelector("dialog")?.showModal();
}

function when(time: number): string {
  const date = new Date(time);
  const isToday = date.toDateString() === new Date().toDateString();
  return new Intl.DateTimeFormat(chrome.i18n.getUILanguage(), isToday ? { timeStyle: "short" } : { dateStyle: "medium" }).format(date);
}
