/** The files that go along with the next question: a chip each, what was refused, and the offer to take a long paste as a file. */
import { css, html, nothing, type TemplateResult } from "lit";

import type { Attachment } from "../attachments.ts";
import { icons } from "../icons.ts";
import type { Translate } from "../strings.ts";

export interface AttachmentsView {
  t: Translate;
  items: readonly Attachment[];
  errors: readonly string[];
  /** A long text was pasted a moment ago. */
  offersPaste: boolean;
  onTakePaste: () => void;
  onRemove: (id: string) => void;
}

export function attachmentsView({
  t,
  items,
  errors,
  offersPaste,
  onTakePaste,
  onRemove,
}: AttachmentsView): TemplateResult | typeof nothing {
  if (items.length === 0 && errors.length === 0 && !offersPaste) return nothing;
  return html`<div class="files">
    ${
      items.length === 0
        ? nothing
        : html`<ul class="chips" aria-label=${t("composer.files")}>
            ${items.map(
              ({ id, name, part }) =>
                html`<li class="file" part="attachment" aria-busy=${part ? nothing : "true"}>
                  ${part ? icons.file() : html`<span class="spin" aria-hidden="true"></span>`}<bdi title=${name}>${name}</bdi>
                  <button
                    type="button"
                    aria-label=${t("composer.remove", { file: name })}
                    title=${t("composer.remove", { file: name })}
                    @click=${() => onRemove(id)}
                  >
                    ${icons.remove()}
                  </button>
                </li>`,
            )}
          </ul>`
    }
    ${errors.map((error) => html`<p class="refused" part="attachment-error">${icons.alert()}<span dir="auto">${error}</span></p>`)}
    ${offersPaste ? html`<button type="button" class="btn take-paste" @click=${onTakePaste}>${icons.file()}${t("composer.pasteAsFile")}</button>` : nothing}
  </div>`;
}

export const attachmentsStyles = css`
  .files {
    display: grid;
    flex: 1 0 100%;
    gap: 6px;
    min-width: 0;
    padding: 3px 3px 4px;
  }
  .chips {
    display: flex;
    flex-wrap: wrap;
    gap: 6px;
    margin: 0;
    padding: 0;
    list-style: none;
  }
  .file {
    display: inline-flex;
    align-items: center;
    gap: 7px;
    min-width: 0;
    max-width: 100%;
    padding-inline: 10px 3px;
    border: 1px solid var(--_border);
    border-radius: 9px;
    font-size: 0.8667em;
    color: var(--_text-2);
  }
  .file bdi {
    min-width: 0;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .file button {
    display: inline-grid;
    place-items: center;
    flex: none;
    width: 32px;
    height: 32px;
    padding: 0;
    border: 0;
    border-radius: 7px;
    background: transparent;
    cursor: pointer;
  }
  .file button:hover {
    background: var(--_raised);
  }
  .refused {
    display: flex;
    gap: 7px;
    align-items: center;
    margin: 0;
    padding-inline: 4px;
    font-size: 0.8667em;
    color: var(--_danger);
  }
  .take-paste {
    justify-self: start;
  }
  .veil {
    position: absolute;
    inset: 8px;
    z-index: 2;
    display: grid;
    place-items: center;
    border: 2px dashed var(--_accent);
    border-radius: calc(var(--_r) + 2px);
    background: var(--_bg);
    opacity: 0.94;
    font-weight: 600;
    pointer-events: none;
  }
  @media (pointer: coarse) {
    .file button {
      width: 44px;
      height: 44px;
    }
  }
  @media (forced-colors: active) {
    .file {
      border-color: CanvasText;
    }
    .veil {
      border-color: Highlight;
    }
  }
`;
