/** The frame: the host in each mode, and the panel. */
import { css } from "lit";

export const frame = css`
  :host {
    display: block;
    min-width: 0;
    height: var(--chanl-panel-height, 640px);
  }
  :host([hidden]) {
    display: none;
  }
  :host([mode="floating"]) {
    display: contents;
  }
  :host([mode="panel"]) {
    height: 100%;
    min-height: 0;
  }
  :host([mode="fullscreen"]) {
    position: fixed;
    inset: 0;
    height: 100dvh;
    z-index: var(--chanl-z-index, 2147483000);
  }
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }
  /* The page's inherited properties end here; its colour scheme, direction and visibility are meant for us too. */
  .root {
    all: initial;
    box-sizing: border-box;
    color-scheme: inherit;
    visibility: inherit;
    color: var(--_text);
    font: 400 medium / 1.55 var(--_font);
    font-synthesis: none;
    -webkit-font-smoothing: antialiased;
    text-rendering: optimizeLegibility;
    text-size-adjust: 100%;
  }
  /* Relative to the size the visitor chose in the browser, whatever the page made of its root. */
  .root > * {
    font-size: var(--_fs);
  }
  .panel {
    container: chanl / inline-size;
    display: flex;
    flex-direction: column;
    width: 100%;
    height: 100%;
    min-height: 0;
    position: relative;
    overflow: hidden;
    background: var(--_bg);
  }
  .inline {
    border: 1px solid var(--_border);
    border-radius: calc(var(--_r) + 4px);
  }
  .float {
    position: fixed;
    inset: auto;
    inset-block-end: calc(var(--_offset-y) + var(--_launcher-size) + 16px);
    inset-inline-end: var(--_offset-x);
    width: min(var(--chanl-panel-width, 400px), 100vw - 2 * var(--_offset-x));
    height: min(var(--chanl-panel-height, 680px), 100dvh - var(--_launcher-size) - var(--_offset-y) - 36px);
    margin: 0;
    padding: 0;
    border: 0;
    border-radius: calc(var(--_r) + 4px);
    box-shadow: var(--_shadow);
    opacity: 0;
    translate: 0 8px;
    scale: 0.98;
    transform-origin: 100% 100%;
    transition:
      opacity 140ms var(--_ease),
      translate 140ms var(--_ease),
      scale 140ms var(--_ease),
      overlay 140ms allow-discrete,
      display 140ms allow-discrete;
  }
  .paged {
    z-index: var(--chanl-z-index, 2147483000);
  }
  .float:not(:popover-open, [open]) {
    display: none;
  }
  .float:popover-open,
  .float[open] {
    opacity: 1;
    translate: none;
    scale: none;
    transition-duration: 220ms;
  }
  @starting-style {
    .float:popover-open,
    .float[open] {
      opacity: 0;
      translate: 0 8px;
      scale: 0.98;
    }
  }
  .float.at-start {
    inset-inline: var(--_offset-x) auto;
  }
  .float.no-launcher {
    inset-block-end: var(--_offset-y);
    height: min(var(--chanl-panel-height, 680px), 100dvh - 2 * var(--_offset-y));
  }
  .float.expanded {
    width: min(760px, 100vw - 2 * var(--_offset-x));
    height: min(900px, 100dvh - var(--_launcher-size) - var(--_offset-y) - 36px);
  }
  .float:modal {
    inset: 0;
    top: var(--_viewport-top, 0px);
    width: 100%;
    max-width: none;
    height: var(--_viewport-height, 100dvh);
    max-height: none;
    border-radius: 0;
    box-shadow: none;
    overscroll-behavior: contain;
    padding: env(safe-area-inset-top) env(safe-area-inset-right) env(safe-area-inset-bottom) env(safe-area-inset-left);
  }
  .float::backdrop {
    background: transparent;
  }
`;
