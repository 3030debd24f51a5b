/** The header: who one talks to, how the connection is, and the controls of the panel. */
import { css, html, nothing, type TemplateResult } from "lit";

import { icons } from "../icons.ts";
import type { Translate } from "../strings.ts";

export interface HeaderView {
  t: Translate;
  name: string;
  subtitle: string;
  reconnecting: boolean;
  /** Level of the title's heading. */
  level: number;
  expanded: boolean;
  canExpand: boolean;
  canClose: boolean;
  onNew: () => void;
  onExpand: () => void;
  onClose: () => void;
}

export function headerView(view: HeaderView): TemplateResult {
  const { t } = view;
  const status = view.reconnecting ? t("net.reconnecting") : view.subtitle;
  const expandLabel = t(view.expanded ? "header.shrink" : "header.expand");
  return html`
    <div class="head" part="header">
      <span class="ava" part="avatar"><slot name="avatar">${icons.spark()}</slot></span>
      <div class="ttl">
        <div class="name" id="title" part="title" role="heading" aria-level=${view.level} tabindex="-1">${view.name}</div>
        ${
          status
            ? html`<p part="subtitle">
                <span class="dot ${view.reconnecting ? "off" : ""}" aria-hidden="true"></span><span class="st-text">${status}</span>
              </p>`
            : nothing
        }
      </div>
      <slot name="header-actions"></slot>
      <button type="button" class="ib" aria-label=${t("header.new")} title=${t("header.new")} @click=${view.onNew}>
        ${icons.compose()}
      </button>
      ${
        view.canExpand
          ? html`<button
              type="button"
              class="ib"
              aria-label=${expandLabel}
              title=${expandLabel}
              aria-pressed=${view.expanded}
              @click=${view.onExpand}
            >
              ${view.expanded ? icons.shrink() : icons.expand()}
            </button>`
          : nothing
      }
      ${
        view.canClose
          ? html`<button type="button" class="ib" aria-label=${t("header.close")} title=${t("header.close")} @click=${view.onClose}>
              ${icons.close()}
            </button>`
          : nothing
      }
    </div>
  `;
}

export const headerStyles = css`
  .head {
    display: flex;
    align-items: center;
    gap: 2px;
    flex: none;
    min-height: 56px;
    padding-block: 8px;
    padding-inline: 16px 8px;
    border-bottom: 1px solid var(--_border);
  }
  .ava {
    display: grid;
    place-items: center;
    flex: none;
    width: 30px;
    height: 30px;
    border-radius: 9px;
    overflow: hidden;
    background: var(--_accent);
    color: var(--_on-accent);
  }
  .ttl {
    flex: 1;
    min-width: 0;
    margin-inline-start: 9px;
  }
  .name {
    font-size: 1em;
    line-height: 1.3;
    font-weight: 600;
    letter-spacing: -0.006em;
    white-space: nowrap;
    overflow: hidden;
    text-overflow: ellipsis;
  }
  .name:focus {
    outline: none;
  }
  .name:focus-visible {
    outline: 2px solid var(--_focus);
    outline-offset: 1px;
    border-radius: 4px;
  }
  .ttl p {
    display: flex;
    align-items: center;
    gap: 6px;
    margin: 0;
    font-size: 0.8em;
    line-height: 1.35;
    color: var(--_muted);
  }
  .st-text {
    min-width: 0;
    white-space: nowrap;
    overflow: hidden;
    text-overflow: ellipsis;
  }
  .dot {
    flex: none;
    width: 7px;
    height: 7px;
    border-radius: 50%;
    background: var(--_success);
  }
  .dot.off {
    background: var(--_warning);
  }
`;
