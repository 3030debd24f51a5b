/** The chips in the composer: which page, how much of it, on or off; selections and tabs that go along once. */
import { html, nothing, type TemplateResult } from "lit";

import type { ContextPart } from "../../shared/session/message.ts";
import { number, t } from "../i18n.ts";
import type { PageContext } from "../page/page-context.ts";

export interface ChipActions {
  openMenu: () => void;
}

export function contextChips(context: PageContext, actions: ChipActions): TemplateResult {
  return html`
    <div class="chips" role="group" aria-label=${t("chipsLabel")}>
      ${pageChip(context)} ${context.pieces.map((piece) => pieceChip(context, piece))}
      <button
        type="button"
        class="chip add"
        aria-haspopup="menu"
        aria-label=${t("addContext")}
        title=${t("addContext")}
        @click=${actions.openMenu}
      >
        +
      </button>
    </div>
    ${context.isWaiting ? html`<p class="chip-hint" role="status">${t("showPageHint")}</p>` : nothing}
  `;
}

function pageChip(context: PageContext): TemplateResult | typeof nothing {
  const { page, part, isOn } = context;
  if (!page) return nothing;
  if (page.kind === "closed") return html`<span class="chip off">${t("pageClosed")}</span>`;
  const toggle = (): void => void context.toggle();
  if (page.kind === "hidden") return html`<button type="button" class="chip" @click=${toggle}>${t("readPage")}</button>`;
  const { host } = new URL(page.target.url);
  const amount = isOn && part ? ` · ${amountOf(part)}` : "";
  return html`<button
    type="button"
    class=${isOn ? "chip on" : "chip"}
    aria-pressed=${isOn}
    title=${t(isOn ? "pageOn" : "pageOff", page.target.title)}
    @click=${toggle}
  >
    <span class="dot" aria-hidden="true"></span><bdi dir="ltr">${host}</bdi>${amount}
  </button>`;
}

function pieceChip(context: PageContext, piece: ContextPart): TemplateResult {
  const label = piece.kind === "selection" ? t("selection") : piece.title || piece.url;
  return html`<span class="chip on piece" title=${piece.text.slice(0, 500)} data-kind=${piece.kind}>
    <bdi dir="auto">${label}</bdi> · ${amountOf(piece)}
    <button type="button" aria-label=${t("removeContext", label)} @click=${() => context.remove(piece)}>×</button>
  </span>`;
}

const amountOf = ({ text, trimmed }: ContextPart): string => t(trimmed ? "charactersTrimmed" : "characters", number(text.length));
