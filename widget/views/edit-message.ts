/** A message of the visitor's being asked anew: its words in a field, and the way between its versions. */
import { css, html, type TemplateResult } from "lit";
import { ref } from "lit/directives/ref.js";

import { icons } from "../icons.ts";
import type { Translate } from "../strings.ts";

export interface EditView {
  t: Translate;
  text: string;
  onSave: (text: string) => void;
  onCancel: () => void;
}

/** Escape and Cancel leave everything as it was; Enter saves as it sends in the composer. */
export function editView({ t, text, onSave, onCancel }: EditView): TemplateResult {
  const field = (event: Event): HTMLTextAreaElement => (event.currentTarget as Element).closest(".edit")!.querySelector("textarea")!;
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      onCancel();
    } else if (event.key === "Enter" && !event.shiftKey && !matchMedia("(pointer: coarse)").matches) {
      event.preventDefault();
      onSave(field(event).value);
    }
  };
  return html`
    <div class="edit">
      <textarea
        rows="2"
        dir="auto"
        aria-label=${t("act.edit")}
        .value=${text}
        @keydown=${onKeyDown}
        ${ref((element) => {
          if (!(element instanceof HTMLTextAreaElement) || element.dataset["ready"]) return;
          element.dataset["ready"] = "";
          // Once it is in the page.
          queueMicrotask(() => {
            element.focus();
            element.setSelectionRange(element.value.length, element.value.length);
          });
        })}
      ></textarea>
      <div class="acts">
        <button type="button" class="btn" @click=${onCancel}>${t("act.cancel")}</button>
        <button type="button" class="btn pri" @click=${(event: Event) => onSave(field(event).value)}>${t("act.save")}</button>
      </div>
    </div>
  `;
}

export interface VersionsView {
  t: Translate;
  /** From 0. */
  current: number;
  count: number;
  isBusy: boolean;
  onSelect: (index: number) => void;
}

export function versionsView({ t, current, count, isBusy, onSelect }: VersionsView): TemplateResult {
  const step = (by: number, label: string, icon: TemplateResult): TemplateResult => {
    const isOff = isBusy || current + by < 0 || current + by >= count;
    return html`<button
      type="button"
      class="ib"
      aria-label=${label}
      title=${label}
      aria-disabled=${isOff}
      @click=${() => !isOff && onSelect(current + by)}
    >
      ${icon}
    </button>`;
  };
  return html`<span class="vers" role="group" aria-label=${t("msg.versions")}>
    ${step(-1, t("msg.versionBefore"), icons.back())}
    <span class="vh">${t("msg.version", { i: current + 1, count })}</span><bdi class="at" aria-hidden="true">${current + 1}/${count}</bdi>
    ${step(1, t("msg.versionAfter"), icons.forward())}
  </span>`;
}

export const styles = css`
  .edit {
    display: grid;
    gap: 8px;
    width: 100%;
    padding: 8px;
    border: 1px solid var(--_border-strong);
    border-radius: 14px;
    background: var(--_bg);
  }
  .edit:focus-within {
    border-color: var(--_focus);
    box-shadow: 0 0 0 1px var(--_focus);
  }
  .edit textarea {
    all: unset;
    box-sizing: border-box;
    width: 100%;
    min-height: 34px;
    max-height: 240px;
    padding: 4px 8px;
    font: inherit;
    color: var(--_text);
    overflow-y: auto;
    overflow-wrap: anywhere;
    white-space: pre-wrap;
    field-sizing: content;
  }
  @media (pointer: coarse) {
    .edit textarea {
      min-height: 44px;
    }
  }
  .edit .acts {
    justify-content: flex-end;
  }
  .vers {
    display: inline-flex;
    align-items: center;
  }
  .vers .at {
    min-width: 2.4em;
    font-size: 0.8667em;
    text-align: center;
    color: var(--_text-2);
    font-variant-numeric: tabular-nums;
  }
  .vers .ib[aria-disabled="true"] {
    opacity: 0.45;
    cursor: default;
  }
  .vers .i:dir(rtl) {
    scale: -1 1;
  }
`;
