/** The menu over the composer while it holds a `/command`: arrows, Enter or Tab to take, Escape to leave. */
import { html, render } from "lit";

import type { ChanlChat } from "../../widget/chanl-chat.ts";
import type { StoredPrompt } from "../history/database.ts";
import { t } from "../i18n.ts";
import type { PageContext } from "../page/page-context.ts";
import { fillIn, listPrompts, variablesOf } from "./prompts.ts";

interface SlashMenuOptions {
  chat: ChanlChat;
  field: HTMLTextAreaElement;
  context: PageContext;
  host: HTMLElement;
}

let open: { options: SlashMenuOptions; prompts: readonly StoredPrompt[]; at: number } | null = null;

/** Opens, narrows or closes the menu for what the composer holds now. */
export async function slashMenu(options: SlashMenuOptions): Promise<void> {
  const all = await listPrompts();
  const isNew = open === null;
  const typed = /^\/([\p{L}\p{N}-]*)$/u.exec(options.field.value)?.[1]?.toLowerCase();
  const prompts = typed === undefined ? [] : all.filter(({ name }) => name.toLowerCase().startsWith(typed));
  if (prompts.length === 0) return close(options);
  open = { options, prompts, at: 0 };
  if (isNew) {
    // Before the composer's own: Enter takes the command instead of sending it.
    options.chat.addEventListener("keydown", onKeyDown, { capture: true });
    options.chat.addEventListener("input", onInput);
    options.chat.addEventListener("focusout", onLeave);
  }
  draw();
}

function close({ chat, host }: SlashMenuOptions): void {
  open = null;
  chat.removeEventListener("keydown", onKeyDown, { capture: true });
  chat.removeEventListener("input", onInput);
  chat.removeEventListener("focusout", onLeave);
  render(null, host);
}

function draw(): void {
  if (!open) return;
  const { prompts, at, options } = open;
  const current = prompts[at];
  render(
    html`<div class="slash">
      <ul role="listbox" aria-label=${t("commands")}>
        ${prompts.map(
          (prompt, index) =>
            html`<li
              role="option"
              aria-selected=${index === at}
              @pointerdown=${(event: Event) => event.preventDefault()}
              @click=${() => void take(prompt)}
            >
              <strong dir="auto">/${prompt.name}</strong> <span dir="auto">${prompt.text.slice(0, 80)}</span>
            </li>`,
        )}
      </ul>
      <p class="vh" role="status">${current ? t("commandAt", current.name, at + 1, prompts.length) : ""}</p>
    </div>`,
    options.host,
  );
}

async function take(prompt: StoredPrompt): Promise<void> {
  if (!open) return;
  const { options } = open;
  const { chat, context } = options;
  close(options);
  const used = variablesOf(prompt.text);
  // Text of a page goes along with the question, marked as the page's; in the question itself stand only words for it.
  if (used.has("page")) await context.include();
  const selection = used.has("selection") ? await context.addSelection() : null;
  if (used.has("selection") && !selection) await context.include();
  const target = context.page?.kind === "readable" ? context.page.target : null;
  chat.setDraft(
    fillIn(prompt.text, {
      selection: t(selection ? "theSelection" : "thePage"),
      page: t("thePage"),
      url: target?.url ?? "",
      title: target?.title ?? "",
      lang: new Intl.DisplayNames([chrome.i18n.getUILanguage()], { type: "language" }).of(chrome.i18n.getUILanguage()) ?? "",
    }),
  );
  chat.focus();
}

const onInput = (): void => {
  if (open && !open.options.field.value.startsWith("/")) close(open.options);
};

const onLeave = (): void => {
  if (open) close(open.options);
};

const onKeyDown = (event: KeyboardEvent): void => {
  if (!open || event.isComposing) return;
  const { prompts, at, options } = open;
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  const current = prompts[at];
  if (step !== 0) {
    open.at = (at + step + prompts.length) % prompts.length;
    draw();
  } else if ((event.key === "Enter" || event.key === "Tab") && current) void take(current);
  else if (event.key === "Escape") close(options);
  else return;
  event.preventDefault();
  event.stopPropagation();
};
