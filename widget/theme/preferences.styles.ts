/** What the visitor prefers, and what prints: the last sheet, so that it wins. */
import { css } from "lit";

export const preferences = css`
  @media (pointer: coarse) {
    .ib,
    .foot .ib,
    .send {
      width: 44px;
      height: 44px;
    }
    .btn {
      min-height: 44px;
    }
    .start button {
      min-height: 48px;
    }
    .comp textarea {
      font-size: max(16px, 1em);
      min-height: 44px;
      padding-block: 10px;
    }
    .jump {
      top: -56px;
    }
    .jump button {
      height: 44px;
      border-radius: 22px;
    }
    .think > button,
    .tool > .th,
    .fold > .th,
    .src .chip {
      min-height: 44px;
    }
    .md .code .bar {
      min-height: 46px;
    }
    .md .code .bar button {
      min-width: 44px;
      min-height: 44px;
    }
    .acts-on-hover {
      opacity: 1;
    }
    .said .ib {
      width: 44px;
      height: 44px;
    }
  }
  @media (prefers-reduced-motion: reduce) {
    *,
    *::before,
    *::after {
      animation: none !important;
      transition: none !important;
      scroll-behavior: auto !important;
    }
    .pending > * {
      opacity: 1;
    }
    .shim {
      color: var(--_text-2);
      background: none;
    }
    .spin {
      border-style: dotted;
      border-color: currentColor;
    }
  }
  @media (forced-colors: active) {
    .panel,
    .comp,
    .btn,
    .bub,
    .ban,
    .queued,
    .jump button,
    .launch,
    .start button,
    .tool,
    .send,
    .ava,
    .src a {
      border: 1px solid CanvasText;
    }
    .i {
      color: inherit !important;
    }
    .send,
    .launch,
    .btn.pri {
      background: ButtonText !important;
      color: ButtonFace !important;
      forced-color-adjust: none;
    }
    .send[aria-disabled="true"] {
      background: ButtonFace !important;
      color: GrayText !important;
      border-color: GrayText;
    }
    .dot,
    .pip,
    .caret {
      background: Highlight !important;
      forced-color-adjust: none;
    }
    .shim {
      color: CanvasText;
      background: none;
    }
    .comp:focus-within {
      outline: 2px solid Highlight;
    }
    .think .pre {
      mask-image: none;
    }
    .dock::before {
      display: none;
    }
  }
  @media print {
    :host,
    .panel,
    .log {
      height: auto !important;
      overflow: visible !important;
    }
    .dock,
    .foot,
    .head .ib,
    .launch-layer {
      display: none !important;
    }
  }
`;
