/** The launcher of a floating chat: a round button, or a pill with words. */
import { css, html, nothing, type TemplateResult } from "lit";

import { icons } from "../icons.ts";
import type { Translate } from "../strings.ts";

export interface LauncherView {
  t: Translate;
  look: "icon" | "pill";
  label: string;
  open: boolean;
  unread: number;
  atStart: boolean;
  /** In the page, and not in the top layer. */
  paged: boolean;
  onToggle: () => void;
}

export function launcherView(view: LauncherView): TemplateResult {
  const { t, open } = view;
  const pill = view.look === "pill" && !open;
  const label = open
    ? t("launcher.close")
    : view.unread > 0
      ? t("launcher.openUnread", { n: view.unread })
      : view.label || t("launcher.open");
  return html`
    <div
      class="root launch-layer ${view.atStart ? "at-start" : ""} ${view.paged ? "paged" : ""}"
      popover=${view.paged ? nothing : "manual"}
    >
      <button
        type="button"
        class="launch ${pill ? "pill" : ""}"
        part="launcher"
        aria-label=${label}
        aria-haspopup="dialog"
        aria-expanded=${open}
        aria-controls=${open ? "panel" : nothing}
        @click=${view.onToggle}
      >
        ${open ? icons.down() : html`<slot name="launcher-icon">${icons.chat()}</slot>`}
        ${pill ? html`<span>${view.label || t("launcher.open")}</span>` : nothing}
        ${view.unread > 0 && !open ? html`<span class="bdg" part="badge" aria-hidden="true">${view.unread}</span>` : nothing}
      </button>
    </div>
  `;
}

export const launcherStyles = css`
  .launch-layer {
    position: fixed;
    inset: auto;
    inset-block-end: var(--_offset-y);
    inset-inline-end: var(--_offset-x);
    overflow: visible;
    background: none;
  }
  .launch-layer.at-start {
    inset-inline: var(--_offset-x) auto;
  }
  .launch-layer:not(:popover-open, .paged) {
    display: none;
  }
  .launch-layer:is(:popover-open, .paged) {
    display: block;
  }
  .launch {
    position: relative;
    display: inline-grid;
    place-items: center;
    width: var(--_launcher-size);
    height: var(--_launcher-size);
    padding: 0;
    border: 0;
    border-radius: 50%;
    background: var(--_accent);
    color: var(--_on-accent);
    box-shadow:
      0 0 0 1px light-dark(rgb(255 255 255 / 0.5), rgb(0 0 0 / 0.4)),
      0 8px 22px -6px light-dark(rgb(22 25 31 / 0.4), rgb(0 0 0 / 0.8));
    cursor: pointer;
    transition: transform var(--_dur) var(--_ease);
  }
  .launch:hover {
    transform: translateY(-1px);
  }
  .launch:active {
    transform: scale(0.97);
  }
  .launch .i {
    width: 25px;
    height: 25px;
  }
  .launch.pill {
    display: inline-flex;
    align-items: center;
    gap: 9px;
    width: auto;
    padding-inline: 17px 21px;
    border-radius: calc(var(--_launcher-size) / 2);
    font-weight: 600;
  }
  .bdg {
    position: absolute;
    top: -3px;
    inset-inline-end: -3px;
    min-width: 21px;
    height: 21px;
    padding: 0 6px;
    border-radius: 11px;
    background: var(--_danger);
    color: light-dark(#fff, #2a0a0d);
    font-size: 12px;
    line-height: 21px;
    font-weight: 650;
    text-align: center;
    box-shadow: 0 0 0 2px var(--_bg);
    font-variant-numeric: tabular-nums;
  }
`;
