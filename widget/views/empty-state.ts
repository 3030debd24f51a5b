/** What an empty conversation shows: a greeting, and questions to start with. */
import { css, html, nothing, type TemplateResult } from "lit";

import { icons } from "../icons.ts";
import type { Translate } from "../strings.ts";

export interface EmptyStateView {
  t: Translate;
  greeting: string;
  level: number;
  starters: readonly string[];
  onStart: (text: string) => void;
}

export function emptyStateView({ t, greeting, level, starters, onStart }: EmptyStateView): TemplateResult {
  return html`
    <div class="empty" part="empty">
      <slot name="empty">
        <div>
          <div class="greet" role="heading" aria-level=${level} dir="auto">${greeting || t("empty.title")}</div>
          <p dir="auto">${t("empty.text")}</p>
        </div>
      </slot>
      <slot name="starters">
        ${
          starters.length > 0
            ? html`<ul class="start" role="list" aria-label=${t("empty.starters")}>
                ${starters.map(
                  (text) =>
                    html`<li>
                      <button type="button" part="starter" @click=${() => onStart(text)}>
                        ${icons.question()}<span dir="auto">${text}</span>
                      </button>
                    </li>`,
                )}
              </ul>`
            : nothing
        }
      </slot>
    </div>
  `;
}

export const emptyStateStyles = css`
  .empty {
    display: grid;
    gap: 18px;
    margin-block: auto 0;
    padding: 8px 0;
  }
  .greet {
    margin: 0 0 4px;
    font-size: 1.4667em;
    line-height: 1.27;
    font-weight: 620;
    letter-spacing: -0.018em;
    text-wrap: balance;
  }
  .empty p {
    margin: 0;
    color: var(--_text-2);
    text-wrap: pretty;
  }
  .start {
    display: grid;
    grid-template-columns: 1fr;
    gap: 8px;
    margin: 0;
    padding: 0;
    list-style: none;
  }
  .start button {
    display: flex;
    align-items: center;
    gap: 10px;
    width: 100%;
    height: 100%;
    min-height: 44px;
    padding: 9px 12px;
    border: 1px solid var(--_border);
    border-radius: 11px;
    background: var(--_bg);
    text-align: start;
    font-size: 0.9333em;
    line-height: 1.35;
    cursor: pointer;
    transition:
      background var(--_dur) var(--_ease),
      border-color var(--_dur) var(--_ease);
  }
  .start button:hover {
    background: var(--_surface);
    border-color: var(--_border-strong);
  }
  .start .i {
    color: var(--_accent-text);
  }
  @container chanl (min-width: 480px) {
    .empty {
      margin-block: auto;
    }
    .start {
      grid-template-columns: 1fr 1fr;
    }
  }
  @container chanl (min-width: 760px) {
    .greet {
      font-size: 1.8667em;
    }
  }
`;
