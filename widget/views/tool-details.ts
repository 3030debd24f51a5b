/** The body of a tool call: the input as it is written, the result, why it failed, and the decision a call may wait for. */
import { css, html, nothing, type TemplateResult } from "lit";

import type { JsonValue } from "../../shared/protocol/chunk.ts";
import type { ToolCallPart } from "../../shared/session/message.ts";
import { icons } from "../icons.ts";
import type { Translate } from "../strings.ts";
import { jsonPreview } from "./json-preview.ts";

export interface ToolDetailsView {
  t: Translate;
  part: ToolCallPart;
  id: string;
  /** What the page has drawn in place of input and result; `null` where it has not. */
  drawn: unknown;
  /** Asks the question again; nothing where that is not possible. */
  onRetry: (() => void) | undefined;
  onAllow: (changed?: JsonValue) => void;
  onDeny: () => void;
}

export function toolDetailsView(view: ToolDetailsView): TemplateResult {
  const { t, part, id } = view;
  const writing = part.state === "input-streaming";
  const asks = part.state === "needs-approval";
  const input = part.argumentsText || (part.arguments === undefined ? "" : JSON.stringify(part.arguments));
  return html`
    <div class="bd" id=${id}>
      ${part.error === undefined ? nothing : html`<p class="why" dir="auto">${part.error}</p>`}
      ${
        part.state === "failed" && view.onRetry
          ? html`<button type="button" class="btn retry" @click=${view.onRetry}>${icons.regenerate()}${t("tool.retry")}</button>`
          : nothing
      }
      ${part.state === "running" && part.progress ? progressView(t, part.progress) : nothing}
      ${asks ? html`<p class="why">${t("tool.askText")}</p>` : nothing} ${view.drawn ?? nothing}
      ${
        view.drawn === null && (input || writing)
          ? html`<p class="lb">${t("tool.input")}</p>
              ${preView(t("tool.input"), html`${jsonPreview(input)}${writing ? html`<span class="caret"></span>` : nothing}`, input.length, writing)}`
          : nothing
      }
      ${
        part.result === undefined || view.drawn !== null
          ? nothing
          : html`<p class="lb">${t("tool.result")}</p>
              ${preView(t("tool.result"), typeof part.result === "string" ? part.result : jsonPreview(resultText(part)), resultText(part).length)}`
      }
      ${asks ? decisionView(view) : nothing}
    </div>
  `;
}

/** In the tool's own words, and as a bar where it says how much there is. Not announced: it may come four times a second. */
function progressView(t: Translate, { progress, total = 0, message }: NonNullable<ToolCallPart["progress"]>): unknown {
  if (total <= 0 && !message) return nothing;
  return html`<div class="pg">
    ${total > 0 ? html`<progress max=${total} value=${progress} aria-label=${t("tool.running")}></progress>` : nothing}
    <span dir="auto">${message}</span>
  </div>`;
}

/** Allow, change first, or not. Nothing but these buttons decides: Enter in the composer never does. */
function decisionView({ t, part, id, onAllow, onDeny }: ToolDetailsView): TemplateResult {
  const parts = (event: Event): { form: HTMLElement; field: HTMLTextAreaElement; error: HTMLElement } => {
    const form = (event.currentTarget as HTMLElement).closest<HTMLElement>(".bd")!;
    return { form, field: form.querySelector("textarea")!, error: form.querySelector<HTMLElement>(".bad-input")! };
  };
  const change = (event: Event): void => {
    const { field } = parts(event);
    const opens = field.hidden;
    field.hidden = !opens;
    (event.currentTarget as HTMLElement).setAttribute("aria-expanded", String(opens));
    if (!opens) return;
    field.value = JSON.stringify(part.arguments ?? {}, null, 2);
    field.rows = Math.min(12, field.value.split("\n").length + 1);
    field.focus();
  };
  const allow = (event: Event): void => {
    const { field, error } = parts(event);
    if (field.hidden) return onAllow();
    let changed: JsonValue;
    try {
      changed = JSON.parse(field.value) as JsonValue;
    } catch {
      error.textContent = t("tool.badInput");
      field.setAttribute("aria-invalid", "true");
      return field.focus();
    }
    return JSON.stringify(changed) === JSON.stringify(part.arguments) ? onAllow() : onAllow(changed);
  };
  return html`
    <textarea
      class="json"
      id="${id}-input"
      dir="ltr"
      spellcheck="false"
      hidden
      aria-label=${t("tool.changed")}
      aria-describedby="${id}-error"
      @input=${(event: Event) => {
        const { field, error } = parts(event);
        error.textContent = "";
        field.removeAttribute("aria-invalid");
      }}
      @keydown=${(event: KeyboardEvent) => event.key !== "Escape" && event.stopPropagation()}
    ></textarea>
    <p class="bad-input" id="${id}-error" role="alert"></p>
    <div class="acts">
      <button type="button" class="btn pri" part="action" @click=${allow}>${t("tool.allow")}</button>
      <button type="button" class="btn" part="action" @click=${onDeny}>${t("tool.deny")}</button>
      <button type="button" class="btn quiet" part="action" aria-expanded="false" aria-controls="${id}-input" @click=${change}>
        ${t("tool.change")}
      </button>
    </div>
  `;
}

const resultText = (part: ToolCallPart): string => (typeof part.result === "string" ? part.result : JSON.stringify(part.result ?? null));

/** Above this length it may scroll, and what scrolls must be reachable by keyboard. */
const MAY_SCROLL = 240;

function preView(label: string, content: unknown, length: number, hidden = false): TemplateResult {
  const scrolls = length > MAY_SCROLL && !hidden;
  return html`<pre
    dir="ltr"
    aria-hidden=${hidden ? "true" : nothing}
    tabindex=${scrolls ? 0 : nothing}
    role=${scrolls ? "group" : nothing}
    aria-label=${scrolls ? label : nothing}
  >
${content}</pre>`;
}

export const toolDetailsStyles = css`
  .tool .bd {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 8px;
    padding: 10px 12px 12px;
    border-top: 1px solid var(--_border);
  }
  .tool :is(.lb, .why, .drawn, .bad-input) {
    margin: 0;
  }
  .tool .lb {
    font-size: 0.86em;
    font-weight: 600;
    color: var(--_text-2);
  }
  .tool progress {
    display: block;
    width: 100%;
    accent-color: var(--_accent);
  }
  .tool :is(.why, .drawn, .pg) {
    overflow-wrap: anywhere;
  }
  .tool .retry {
    justify-self: start;
  }
  .tool .bad-input {
    color: var(--_danger);
  }
  .tool .bad-input:empty {
    display: none;
  }
  .tool :is(pre, .json) {
    margin: 0;
    padding: 8px 10px;
    max-height: 224px;
    overflow: auto;
    border-radius: 8px;
    background: var(--_code-bg);
    color: var(--_text);
    font: 400 0.92em/1.55 var(--_mono);
    text-align: start;
    white-space: pre-wrap;
    overflow-wrap: anywhere;
    scrollbar-width: thin;
  }
  .tool .json {
    border: 1px solid var(--_border-strong);
    resize: vertical;
  }
  .tool .json[aria-invalid="true"] {
    border-color: var(--_danger);
  }
  .tool .json[hidden] {
    display: none;
  }
  .tool .st {
    color: light-dark(#17724a, #7fd3a6);
  }
  .tool .nu {
    color: light-dark(#9a4a00, #f0b37a);
  }
`;
