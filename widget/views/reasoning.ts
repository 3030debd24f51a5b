/** The model's thinking: a disclosure with the last three lines while it runs, closed once it ended. */
import { css, html, type TemplateResult } from "lit";

import { icons } from "../icons.ts";
import type { ReasoningPart } from "../../shared/session/message.ts";
import type { Translate } from "../strings.ts";
import { seconds } from "./figures.ts";

export interface ReasoningView {
  t: Translate;
  locale: string;
  part: ReasoningPart;
  /** Still being written. */
  live: boolean;
  open: boolean;
  id: string;
  /** The element directive that owns the text. */
  text: unknown;
  onToggle: () => void;
}

export function reasoningView(view: ReasoningView): TemplateResult {
  const { t, part, live, open, id } = view;
  const label = live
    ? t("think.running")
    : part.ms === undefined || part.ms < 100
      ? t("think.doneUntimed")
      : t("think.done", { s: seconds(part.ms, view.locale, part.ms < 950 ? 1 : 0) });
  return html`
    <div class="think ${live ? "live" : ""}" part="reasoning">
      <button type="button" aria-expanded=${open} aria-controls=${id} @click=${view.onToggle}>
        ${icons.thought()}<span class=${live ? "shim" : ""}>${label}</span>${icons.chevron()}
      </button>
      <div class="pre" id=${id} ?hidden=${!open} aria-busy=${live}><div class="pre-in" dir="auto" ${view.text}></div></div>
    </div>
  `;
}

export const reasoningStyles = css`
  .think > button {
    display: flex;
    align-items: center;
    gap: 8px;
    width: auto;
    min-height: 32px;
    padding: 4px 8px;
    margin-inline-start: -8px;
    border: 0;
    border-radius: 8px;
    background: transparent;
    color: var(--_text-2);
    font-size: 0.9em;
    text-align: start;
    cursor: pointer;
  }
  .think > button:hover {
    background: var(--_surface);
  }
  .think .pre {
    margin-inline-start: 7px;
    margin-top: 4px;
    padding-block: 2px;
    padding-inline: 14px 0;
    border-inline-start: 2px solid var(--_border);
    font-size: 0.9em;
    line-height: 1.5;
    color: var(--_muted);
  }
  .think .pre[hidden] {
    display: none;
  }
  .think .pre-in {
    white-space: pre-wrap;
    overflow-wrap: anywhere;
  }
  .think.live .pre {
    display: flex;
    flex-direction: column;
    justify-content: flex-end;
    max-height: calc(4.5em + 4px);
    overflow: hidden;
    mask-image: linear-gradient(to top, #000 65%, rgb(0 0 0 / 0.35));
  }
  .think.live .pre[hidden] {
    display: none;
  }
  .think.live .pre-in {
    flex: none;
  }
`;
