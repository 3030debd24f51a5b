/** The log: the scroller, the column of messages in it, and the jump button over it. */
import { css, html, nothing, type TemplateResult } from "lit";
import { type Ref, ref } from "lit/directives/ref.js";

import { icons } from "../icons.ts";
import type { Translate } from "../strings.ts";

export interface LogView {
  t: Translate;
  scroller: Ref<HTMLElement>;
  column: Ref<HTMLElement>;
  sentinel: Ref<HTMLElement>;
  /** Messages that are not in the document. */
  earlier: number;
  content: unknown;
  onEarlier: () => void;
  /** A message that was not laid out, because it was out of sight, is now. */
  onCameIntoView: () => void;
}

/** `aria-live="off"`: the announcer speaks the answer in sentences; a live log would speak every token. */
export function logView({ t, scroller, column, sentinel, earlier, content, onEarlier, onCameIntoView }: LogView): TemplateResult {
  return html`
    <div class="log" part="log" role="log" aria-live="off" aria-label=${t("log.label")} tabindex="0" ${ref(scroller)}>
      <div class="col" @contentvisibilityautostatechange=${onCameIntoView} ${ref(column)}>
        ${
          earlier > 0
            ? html`<button type="button" class="btn earlier" part="earlier" @click=${onEarlier} ${ref(sentinel)}>
                ${t("log.earlier", { n: earlier })}
              </button>`
            : html`<slot name="before-log"></slot>`
        }${content}
      </div>
    </div>
  `;
}

export interface JumpView {
  t: Translate;
  visible: boolean;
  unread: boolean;
  onJump: () => void;
}

export function jumpView({ t, visible, unread, onJump }: JumpView): TemplateResult | typeof nothing {
  if (!visible) return nothing;
  return html`
    <div class="jump">
      <button type="button" part="scroll-button" @click=${onJump}>
        ${unread ? html`<span class="pip" aria-hidden="true"></span>${t("jump.new")}` : t("jump.latest")}${icons.arrowDown()}
      </button>
    </div>
  `;
}

export const logStyles = css`
  .log {
    flex: 1;
    min-height: 0;
    overflow-y: auto;
    overscroll-behavior: contain;
    padding: 20px 16px;
    scroll-padding-block: 8px 24px;
    scrollbar-width: thin;
    scrollbar-color: var(--_border-strong) transparent;
  }
  .log:focus-visible {
    outline-offset: -3px;
  }
  .log:is([data-pinned], [data-held]) {
    overflow-anchor: none;
  }
  .col {
    display: flex;
    flex-direction: column;
    justify-content: flex-end;
    gap: 22px;
    min-height: 100%;
    max-width: var(--_content-width);
    margin-inline: auto;
  }
  .earlier {
    align-self: center;
    overflow-anchor: none;
  }
  .jump {
    position: absolute;
    inset-inline: 0;
    top: -46px;
    z-index: 1;
    display: flex;
    justify-content: center;
    pointer-events: none;
  }
  .jump button {
    pointer-events: auto;
    display: inline-flex;
    align-items: center;
    gap: 6px;
    height: 34px;
    padding-inline: 14px 10px;
    border: 1px solid var(--_border);
    border-radius: 17px;
    background: var(--_bg);
    color: var(--_text);
    font-size: 0.8667em;
    font-weight: 550;
    box-shadow: 0 4px 14px -4px light-dark(rgb(22 25 31 / 0.25), rgb(0 0 0 / 0.7));
    cursor: pointer;
  }
  .jump button:hover {
    background: var(--_surface);
  }
  .pip {
    width: 8px;
    height: 8px;
    border-radius: 50%;
    background: var(--_accent);
  }
  @container chanl (max-width: 359px) {
    .log {
      padding: 14px 12px;
    }
  }
  @container chanl (min-width: 480px) {
    .log {
      padding: 24px 20px 20px;
    }
  }
  @container chanl (min-width: 760px) {
    .log {
      padding: 32px 24px 24px;
    }
    .col {
      gap: 28px;
      justify-content: flex-start;
    }
  }
`;
