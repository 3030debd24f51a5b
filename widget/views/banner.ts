/** A banner says what happened, what is kept, and what one can do. Icon and words, never colour alone. */
import { css, html, nothing, type TemplateResult } from "lit";

import { icons } from "../icons.ts";

export interface BannerAction {
  label: string;
  primary?: boolean;
  icon?: TemplateResult;
  /** Not yet: it stays in the tab order and does nothing. */
  disabled?: boolean;
  run: () => void;
}

export interface BannerView {
  kind: "bad" | "warn" | "info";
  icon?: TemplateResult;
  title: string;
  text: string | TemplateResult;
  actions?: readonly BannerAction[];
}

const spinner = html`<span class="spin" aria-hidden="true"></span>`;

export function bannerView({ kind, icon = icons.alert(), title, text, actions = [] }: BannerView): TemplateResult {
  return html`
    <div class="ban ${kind}" part="banner banner-${kind}">
      ${icon}
      <div class="b">
        <strong>${title}</strong>
        <span>${text}</span>
      </div>
      ${actions.length > 0 ? html`<div class="acts">${actions.map((action) => actionView(action))}</div>` : nothing}
    </div>
  `;
}

function actionView({ label, primary, icon, disabled = false, run }: BannerAction): TemplateResult {
  return html`<button
    type="button"
    class="btn ${primary ? "pri" : ""}"
    aria-disabled=${disabled ? "true" : nothing}
    @click=${() => disabled || run()}
  >
    ${icon ?? nothing}${label}
  </button>`;
}

/** The banner with a turning ring in place of the icon. */
export const busyBannerView = (view: Omit<BannerView, "icon">): TemplateResult => bannerView({ ...view, icon: spinner });

export const bannerStyles = css`
  .ban {
    display: flex;
    align-items: flex-start;
    flex-wrap: wrap;
    gap: 8px 10px;
    padding: 10px 12px;
    border-radius: 10px;
    font-size: 0.9em;
    line-height: 1.45;
  }
  .ban .b {
    flex: 1 1 180px;
    min-width: 0;
  }
  .ban strong {
    display: block;
    font-weight: 600;
    color: var(--_text);
  }
  .ban .b > span {
    color: var(--_text-2);
  }
  .ban > :is(.i, .spin) {
    margin-top: 2px;
  }
  .ban .acts {
    align-self: center;
    margin-inline-start: 26px;
  }
  .ban.bad {
    background: var(--_danger-soft);
  }
  .ban.bad > .i {
    color: var(--_danger);
  }
  .ban.warn {
    background: var(--_warning-soft);
  }
  .ban.warn > :is(.i, .spin) {
    color: var(--_warning);
  }
  .ban.info {
    background: var(--_surface);
  }
  .ban.info > :is(.i, .spin) {
    color: var(--_accent-text);
  }
`;
