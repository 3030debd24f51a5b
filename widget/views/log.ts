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
  onClick: (event: Event) => void;
}

/** `aria-live="off"`: the announcer speaks the answer in sentences; a live log would speak every token. */
export function logView({ t, scroller, column, sentinel, earlier, content, onEarlier, onClick }: LogView): TemplateResult {
  return html`
    <div class="log" part="log" role="log" aria-live="off" aria-label=${t("log.label")} tabindex="0" ${ref(scroller)}>
      <div class="col" @click=${onClick} ${ref(column)}>
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

/** Stands for messages that are there but cannot be drawn yet; shows only when that takes a while. */
export function loadingView(t: Translate): TemplateResult {
  return html`<div class="loading" role="status">
    <span class="vh">${t("load.history")}</span><i class="me"></i><i></i><i></i><i class="short"></i>
  </div>`;
}

export interface JumpView {
  t: Translate;
  visible: boolean;
  unread: boolean;
  /** Below, a tool call waits for the visitor. */
  asks: boolean;
  onJump: () => void;
}

export function jumpView({ t, visible, unread, asks, onJump }: JumpView): TemplateResult | typeof nothing {
  if (!visible) return nothing;
  return html`
    <div class="jump">
      <button type="button" part="scroll-button" @click=${onJump}>
        ${unread || asks ? html`<span class="pip" aria-hidden="true"></span>` : nothing}${t(asks ? "jump.request" : unread ? "jump.new" : "jump.latest")}${icons.arrowDown()}
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
    gap: calc(22px * var(--_density));
    min-height: 100%;
    max-width: var(--_content-width);
    margin-inline: auto;
  }
  .log[data-turn] .col > .msg:last-child {
    min-height: var(--_room);
  }
  .earlier {
    align-self: center;
    overflow-anchor: none;
  }
  .loading {
    display: grid;
    gap: 12px;
    opacity: 0;
    animation: appear 0s 0.2s forwards;
  }
  @keyframes appear {
    to {
      opacity: 1;
    }
  }
  .loading i {
    height: 13px;
    border-radius: 7px;
    background: var(--_raised);
  }
  .loading .me {
    justify-self: end;
    width: 40%;
    height: 40px;
    border-radius: 16px;
    margin-bottom: 8px;
  }
  .loading .short {
    width: 62%;
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
      gap: calc(28px * var(--_density));
      justify-content: flex-start;
    }
  }
`;
