/** What several views share: icons, buttons, focus, text for screen readers only, the spinner and the caret. */
import { css } from "lit";

export const controls = css`
  .vh {
    position: absolute;
    width: 1px;
    height: 1px;
    margin: -1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  svg {
    display: block;
    flex: none;
  }
  .i {
    width: 18px;
    height: 18px;
    fill: none;
    stroke: currentColor;
    stroke-width: 1.75;
    stroke-linecap: round;
    stroke-linejoin: round;
  }
  .i.s {
    width: 16px;
    height: 16px;
  }
  .i.xs {
    width: 14px;
    height: 14px;
  }
  button {
    margin: 0;
    font: inherit;
    color: inherit;
    letter-spacing: inherit;
    -webkit-tap-highlight-color: transparent;
  }
  :focus-visible {
    outline: 2px solid var(--_focus);
    outline-offset: 2px;
  }
  .ib {
    display: inline-grid;
    place-items: center;
    flex: none;
    width: 34px;
    height: 34px;
    padding: 0;
    border: 0;
    border-radius: 9px;
    background: transparent;
    color: var(--_text-2);
    cursor: pointer;
    transition:
      background var(--_dur) var(--_ease),
      color var(--_dur) var(--_ease);
  }
  .ib:hover {
    background: var(--_raised);
    color: var(--_text);
  }
  .btn {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: 6px;
    min-height: 32px;
    padding: 0 12px;
    border-radius: 9px;
    border: 1px solid var(--_border-strong);
    background: transparent;
    color: var(--_text);
    font-weight: 550;
    font-size: 0.9333em;
    line-height: 1.3;
    cursor: pointer;
    transition: background var(--_dur) var(--_ease);
  }
  .btn:hover {
    background: var(--_surface);
  }
  .btn.quiet {
    border-color: transparent;
    color: var(--_text-2);
  }
  .btn[aria-disabled="true"] {
    border-color: var(--_border);
    background: transparent;
    color: var(--_muted);
    cursor: default;
  }
  .btn.pri {
    background: var(--_accent);
    border-color: var(--_accent);
    color: var(--_on-accent);
  }
  .acts {
    display: flex;
    gap: 8px;
    flex-wrap: wrap;
  }
  .spin {
    display: block;
    flex: none;
    width: 15px;
    height: 15px;
    border-radius: 50%;
    border: 2px solid light-dark(#cbd1db, #444b58);
    border-top-color: currentColor;
    animation: spin 0.8s linear infinite;
  }
  @keyframes spin {
    to {
      rotate: 1turn;
    }
  }
  .caret {
    display: inline-block;
    width: 0.5em;
    height: 1.05em;
    margin-inline-start: 2px;
    border-radius: 2px;
    vertical-align: -0.16em;
    background: var(--_accent);
    animation: blink 1.1s steps(2, jump-none) infinite;
  }
  @keyframes blink {
    50% {
      opacity: 0.25;
    }
  }
  .shim {
    background: linear-gradient(90deg, var(--_muted) 35%, var(--_text) 50%, var(--_muted) 65%) 0 0 / 250% 100%;
    background-clip: text;
    color: transparent;
    animation: shimmer 1.8s linear infinite;
  }
  @keyframes shimmer {
    from {
      background-position: 100% 0;
    }
    to {
      background-position: -60% 0;
    }
  }
  .chev {
    color: var(--_muted);
    transition: transform var(--_dur) var(--_ease);
  }
  [aria-expanded="true"] > .chev {
    transform: rotate(180deg);
  }
`;
