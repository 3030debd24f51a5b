/** The look of an answer's Markdown. The renderer makes the elements; every selector here is one it emits. */
import { css } from "lit";

export const prose = css`
  .md {
    overflow-wrap: anywhere;
    text-wrap: pretty;
    min-width: 0;
  }
  .md :where(p, h1, h2, h3, h4, h5, h6, ul, ol, blockquote, pre, hr, table, div) {
    margin: 0;
  }
  .md > .blocks {
    contain-intrinsic-size: auto 1000px;
  }
  .md > .blocks.full {
    content-visibility: auto;
  }
  .md > * + *,
  .md > .blocks > * + *,
  .md :is(li, blockquote) > :is(p, pre, .code, .tw, blockquote, ul, ol):not(:first-child) {
    margin-top: 0.75em;
  }
  .md li > :is(ul, ol) {
    margin-top: 0.3em;
  }
  .md :is(h1, h2, h3, h4, h5, h6) {
    font-size: 1.0667em;
    line-height: 1.4;
    font-weight: 650;
    letter-spacing: -0.008em;
  }
  .md > .blocks > * + :is(h1, h2, h3, h4, h5, h6) {
    margin-top: 1.25em;
  }
  .md :is(ul, ol) {
    padding-inline-start: 1.35em;
  }
  .md li + li {
    margin-top: 0.3em;
  }
  .md li::marker {
    color: var(--_muted);
    font-variant-numeric: tabular-nums;
  }
  .md li:has(> input[type="checkbox"]) {
    list-style: none;
    margin-inline-start: -1.35em;
  }
  .md input[type="checkbox"] {
    margin: 0 0.45em 0 0;
    vertical-align: -0.1em;
    accent-color: var(--_accent);
  }
  .md a {
    color: var(--_accent-text);
    text-decoration: underline;
    text-underline-offset: 0.18em;
    text-decoration-thickness: 1px;
    border-radius: 3px;
  }
  .md a:hover {
    text-decoration-thickness: 2px;
  }
  .md strong {
    font-weight: 620;
  }
  .md code {
    font-family: var(--_mono);
    font-size: 0.88em;
    background: var(--_raised);
    padding: 0.12em 0.36em;
    border-radius: 5px;
  }
  .md blockquote {
    padding-inline-start: 14px;
    border-inline-start: 2px solid var(--_border);
    color: var(--_text-2);
  }
  .md hr {
    border: 0;
    border-top: 1px solid var(--_border);
  }
  .md .tw {
    overflow-x: auto;
    border: 1px solid var(--_border);
    border-radius: 10px;
    scrollbar-width: thin;
  }
  .md table {
    border-collapse: collapse;
    width: 100%;
    font-size: 0.9em;
    line-height: 1.45;
    overflow-wrap: normal;
  }
  .md th {
    font-weight: 600;
    text-align: start;
    color: var(--_text-2);
    background: var(--_surface);
    white-space: nowrap;
  }
  .md :is(th, td) {
    padding: 8px 12px;
    border-bottom: 1px solid var(--_border);
    vertical-align: top;
  }
  .md :is(th, td).center {
    text-align: center;
  }
  .md :is(th, td).end {
    text-align: end;
    font-variant-numeric: tabular-nums;
    white-space: nowrap;
  }
  .md tr:last-child td {
    border-bottom: 0;
  }
  .md .code {
    border: 1px solid var(--_border);
    border-radius: 10px;
    overflow: hidden;
    background: var(--_code-bg);
  }
  .md .code .bar {
    display: flex;
    align-items: center;
    justify-content: space-between;
    min-height: 36px;
    padding-inline: 12px 4px;
    border-bottom: 1px solid var(--_border);
    font-size: 0.8em;
    color: var(--_muted);
  }
  .md .code .bar button {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: 6px;
    min-width: 32px;
    min-height: 32px;
    padding: 0 8px;
    border: 0;
    border-radius: 8px;
    background: transparent;
    color: var(--_text-2);
    cursor: pointer;
  }
  .md .code .bar button:hover {
    background: var(--_raised);
    color: var(--_text);
  }
  .md pre {
    padding: 12px 14px;
    overflow-x: auto;
    font: 400 0.84em/1.6 var(--_mono);
    tab-size: 2;
    text-align: start;
    overflow-wrap: normal;
    scrollbar-width: thin;
  }
  .md pre code {
    all: unset;
    font: inherit;
  }
  .md pre .lines {
    display: block;
  }
  .md pre.wrapped {
    white-space: pre-wrap;
    overflow-wrap: anywhere;
  }
  .md .bar .lang {
    margin-inline-end: auto;
  }
  .md .bar .wrap[aria-pressed="true"] {
    background: var(--_raised);
    color: var(--_text);
  }
  /* 18 lines and the padding above them. */
  .md pre.folded {
    max-height: calc(18 * 1.6em + 12px);
    overflow-y: hidden;
  }
  .md .code .more {
    display: block;
    width: 100%;
    min-height: 36px;
    border: 0;
    border-top: 1px solid var(--_border);
    background: transparent;
    color: var(--_text-2);
    font-size: 0.8667em;
    cursor: pointer;
  }
  .md .code .more:hover {
    background: var(--_raised);
    color: var(--_text);
  }
  @media print {
    .md pre.folded {
      max-height: none;
    }
    .md .code button {
      display: none;
    }
  }
  .md .hl-keyword {
    color: light-dark(#b3202c, #ff8f87);
  }
  .md .hl-string {
    color: light-dark(#0a3069, #a5d6ff);
  }
  .md .hl-number {
    color: light-dark(#0550ae, #79c0ff);
  }
  .md .hl-comment {
    color: light-dark(#59636e, #9aa2ad);
  }
  .md .hl-title {
    color: light-dark(#6639ba, #d2a8ff);
  }
  .md .hl-type {
    color: light-dark(#8a3600, #ffa657);
  }
  .md .hl-name,
  .md .hl-addition {
    color: light-dark(#116329, #7ee787);
  }
  .md .hl-deletion {
    color: light-dark(#82071e, #ffb3b8);
  }
  .md .math.set {
    all: unset;
  }
  .md .math.display.set {
    display: block;
    overflow-x: auto;
  }
  .md .host {
    color: var(--_muted);
    font-size: 0.92em;
  }
  .md .image button {
    display: inline-flex;
    align-items: center;
    min-height: 32px;
    max-width: 100%;
    padding: 4px 12px;
    border: 1px dashed var(--_border-strong);
    border-radius: 9px;
    background: var(--_surface);
    color: var(--_text-2);
    font-size: 0.9em;
    text-align: start;
    cursor: pointer;
  }
  .md .image button:hover {
    background: var(--_raised);
  }
  .md img {
    display: block;
    max-width: 100%;
    max-height: 320px;
    border-radius: 10px;
  }
`;
