/** A tool call: one row that says what is happening. What folds out below it comes from `tool-details.ts`. */
import { css, html, nothing, type TemplateResult } from "lit";

import { icons } from "../icons.ts";
import type { ToolCallPart, ToolState } from "../../shared/session/message.ts";
import type { StringKey, Translate } from "../strings.ts";
import { elapsed } from "./elapsed.ts";
import { seconds } from "./figures.ts";

export interface ToolCardView {
  t: Translate;
  locale: string;
  part: ToolCallPart;
  open: boolean;
  id: string;
  /** What stands below the row when it is open. */
  details: TemplateResult | null;
  onToggle: () => void;
}

interface Look {
  kind: "wait" | "run" | "ok" | "err" | "ask" | "no";
  icon: () => TemplateResult;
  text: StringKey;
}

const spinner = (): TemplateResult => html`<span class="spin" aria-hidden="true"></span>`;

const LOOKS: Record<ToolState, Look> = {
  "input-streaming": { kind: "wait", icon: icons.clock, text: "tool.writing" },
  running: { kind: "run", icon: spinner, text: "tool.running" },
  complete: { kind: "ok", icon: icons.done, text: "tool.done" },
  failed: { kind: "err", icon: icons.alert, text: "tool.failed" },
  "needs-approval": { kind: "ask", icon: icons.shield, text: "tool.ask" },
  denied: { kind: "no", icon: icons.ban, text: "tool.denied" },
  cancelled: { kind: "no", icon: icons.ban, text: "tool.cancelled" },
  unknown: { kind: "wait", icon: icons.clock, text: "tool.unknown" },
};

/** `search_docs` and `searchDocs` → "Search docs". */
export function toolTitle(name: string): string {
  const words = name
    .replace(/([\p{Ll}\d])(\p{Lu})/gu, "$1 $2")
    .replace(/[_\-.]+/g, " ")
    .trim()
    .toLowerCase();
  return words ? words.charAt(0).toUpperCase() + words.slice(1) : name;
}

/** The first argument, short; while it is still being written, its raw text. */
export function toolSummary(part: ToolCallPart): string {
  const { arguments: args } = part;
  if (args === undefined) return part.argumentsText.replace(/\s+/g, " ").slice(0, 120);
  if (args === null) return "";
  const first = typeof args === "object" && !Array.isArray(args) ? Object.values(args)[0] : args;
  if (first === undefined || first === null) return "";
  return (typeof first === "string" ? `“${first}”` : JSON.stringify(first)).slice(0, 120);
}

/** Open without being asked while there is something to watch or to know. */
export const opensByItself = (state: ToolState): boolean =>
  state === "input-streaming" || state === "running" || state === "failed" || state === "needs-approval";

export function toolCardView(view: ToolCardView): TemplateResult {
  const { t, part, open, id, details } = view;
  const look = LOOKS[part.state];
  const title = toolTitle(part.name);
  return html`
    <div class="tool ${look.kind}" part="tool tool-${part.state}" role="group" aria-label=${t("tool.label", { title })}>
      <button type="button" class="th" aria-expanded=${open} aria-controls=${open ? id : nothing} @click=${view.onToggle}>
        <span class="ic">${look.icon()}</span><span class="nm">${title}</span
        ><bdi class="sum" dir="ltr" aria-hidden=${part.state === "input-streaming"}>${open ? nothing : toolSummary(part)}</bdi
        ><span class="stt">${statusText(view, look)}</span>${icons.chevron()}
      </button>
      ${open ? details : nothing}
    </div>
  `;
}

export interface ToolFoldView {
  t: Translate;
  locale: string;
  parts: readonly ToolCallPart[];
  open: boolean;
  id: string;
  /** The cards, when open. */
  cards: () => unknown;
  onToggle: () => void;
}

/** Several finished calls in a row as one line. */
export function toolFoldView({ t, locale, parts, open, id, cards, onToggle }: ToolFoldView): TemplateResult {
  const ms = parts.reduce((sum, part) => sum + (part.ms ?? 0), 0);
  return html`
    <div class="fold" part="tool-fold">
      <button type="button" class="th" aria-expanded=${open} aria-controls=${open ? id : nothing} @click=${onToggle}>
        ${icons.done()}<span>${t("tool.folded", { n: parts.length })} · ${t("tool.seconds", { s: seconds(ms, locale) })}</span
        >${icons.chevron()}
      </button>
      ${open ? html`<div class="fold" id=${id}>${cards()}</div>` : nothing}
    </div>
  `;
}

function statusText({ t, part, locale }: ToolCardView, look: Look): unknown {
  const clock = (ms: number): string => t("tool.seconds", { s: seconds(ms, locale) });
  const took = (ms: number): string => t("tool.seconds", { s: ms < 100 ? seconds(Math.max(ms, 10), locale, 2) : seconds(ms, locale) });
  if (part.state === "running" && part.startedAt !== undefined) {
    return html`<span class="vh">${t(look.text)}</span><span aria-hidden="true">${elapsed(part.startedAt, clock)}</span>`;
  }
  if (part.state === "complete" && part.ms !== undefined) return took(part.ms);
  return t(look.text);
}

export const toolCardStyles = css`
  .tool {
    border: 1px solid var(--_border);
    border-radius: 10px;
    background: var(--_bg);
    overflow: hidden;
    font-size: 0.9em;
    line-height: 1.45;
  }
  .tool > .th {
    display: flex;
    align-items: center;
    gap: 9px;
    width: 100%;
    min-height: 40px;
    padding: 0;
    padding-inline: 12px 10px;
    border: 0;
    background: transparent;
    text-align: start;
    cursor: pointer;
  }
  .tool > .th:hover {
    background: var(--_surface);
  }
  .tool > .th:focus-visible {
    outline-offset: -3px;
    border-radius: 10px;
  }
  .tool .ic {
    display: grid;
    place-items: center;
    flex: none;
    width: 16px;
    height: 16px;
  }
  .tool .nm {
    font-weight: 550;
    white-space: nowrap;
    overflow: hidden;
    text-overflow: ellipsis;
  }
  .tool .sum {
    flex: 1;
    min-width: 0;
    color: var(--_muted);
    font-family: var(--_mono);
    font-size: 0.9em;
    white-space: nowrap;
    overflow: hidden;
    text-overflow: ellipsis;
  }
  .tool .stt {
    display: flex;
    align-items: center;
    gap: 6px;
    margin-inline-start: auto;
    color: var(--_muted);
    font-size: 0.93em;
    font-variant-numeric: tabular-nums;
    white-space: nowrap;
  }
  .tool.err {
    border-color: light-dark(#e9b5ba, #5c2d33);
  }
  .tool.err :is(.ic, .stt) {
    color: var(--_danger);
  }
  .tool.ok .ic {
    color: var(--_success);
  }
  .tool.ask {
    border-color: light-dark(#e3c78d, #5c4a22);
  }
  .tool.ask :is(.ic, .stt) {
    color: var(--_warning);
  }
  .tool.run .ic {
    color: var(--_accent-text);
  }
  .fold {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 8px;
  }
  .fold > .th {
    justify-self: start;
    display: flex;
    align-items: center;
    gap: 8px;
    min-height: 32px;
    padding: 4px 8px;
    margin-inline-start: -8px;
    border: 0;
    border-radius: 8px;
    background: transparent;
    color: var(--_text-2);
    font-size: 0.9em;
    font-variant-numeric: tabular-nums;
    cursor: pointer;
  }
  .fold > .th:hover {
    background: var(--_surface);
  }
  @container chanl (max-width: 359px) {
    .tool .sum {
      visibility: hidden;
    }
  }
`;
