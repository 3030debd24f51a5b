/** The composer: the text, one button that sends and stops, and the message that waits for the end of an answer. */
import { css, html, nothing, type TemplateResult } from "lit";
import { type Ref, ref } from "lit/directives/ref.js";

import { icons } from "../icons.ts";
import type { Composer } from "../controllers/composer.ts";
import type { StringKey, Translate } from "../strings.ts";

export interface ComposerView {
  t: Translate;
  composer: Composer;
  input: Ref<HTMLTextAreaElement>;
  placeholder: string;
  disclaimer: string;
  streaming: boolean;
  canSend: boolean;
  /** How much is written of how much may be; empty while there is room. */
  count: string;
  isTooLong: boolean;
  /** What goes along with the question. */
  files: unknown;
  /** Dictation; `null` where there is none. */
  speech: { on: boolean; failure: StringKey | undefined; toggle: () => void } | null;
  /** `null` where no files are taken. */
  onAttach: (() => void) | null;
  onPaste: (event: ClipboardEvent) => void;
  offline: boolean;
  disabled: boolean;
  /** A keyboard on glass: its Enter makes a new line. */
  touch: boolean;
  onButton: () => void;
  onUnqueue: () => void;
}

export function composerView(view: ComposerView): TemplateResult {
  const { t, composer, streaming } = view;
  const placeholder = view.placeholder || t("composer.placeholder");
  const hint = streaming && composer.hasText ? t("composer.escHint") : view.disclaimer;
  const queued = composer.queued && (composer.queued.text || composer.queued.along.map(({ title }) => title).join(", "));
  return html`
    ${
      queued === null
        ? nothing
        : html`<div class="queued" part="queued">
            ${icons.clock()}
            <p><strong>${t(view.offline ? "composer.waits" : "composer.queued")}</strong> <span dir="auto">${queued}</span></p>
            <button type="button" class="ib" aria-label=${t("composer.unqueue")} title=${t("composer.unqueue")} @click=${view.onUnqueue}>
              ${icons.undo()}
            </button>
          </div>`
    }
    <form class="comp" part="composer" @submit=${(event: Event) => event.preventDefault()}>
      ${view.files}
      <slot name="composer-start"></slot>
      ${
        view.onAttach
          ? html`<button
              type="button"
              class="ib"
              part="attach-button"
              aria-label=${t("composer.attach")}
              title=${t("composer.attach")}
              @click=${view.onAttach}
            >
              ${icons.attach()}
            </button>`
          : nothing
      }
      <textarea
        part="input"
        rows="1"
        dir="auto"
        aria-label=${t("composer.label")}
        aria-describedby="hint"
        placeholder=${placeholder}
        ?disabled=${view.disabled}
        enterkeyhint=${view.touch ? "enter" : "send"}
        @input=${composer.onInput}
        @paste=${view.onPaste}
        @keydown=${composer.onKeyDown}
        @compositionend=${composer.onCompositionEnd}
        ${ref(view.input)}
      ></textarea>
      <slot name="composer-end"></slot>
      ${view.speech ? speechView(view, view.speech) : nothing}
      <button
        type="button"
        class="send ${streaming ? "stop" : ""}"
        part="send-button"
        aria-label=${streaming ? t("composer.stop") : t("composer.send")}
        aria-disabled=${!streaming && !view.canSend ? "true" : nothing}
        title=${streaming ? t("composer.stop") : t("composer.send")}
        @click=${view.onButton}
      >
        ${streaming ? html`<span class="sq" aria-hidden="true"></span>` : icons.send()}
      </button>
    </form>
    <p class="hint ${view.count ? "counted" : ""}" id="hint" dir="auto">
      <slot name="disclaimer">${hint}</slot>${
        view.count ? html` <bdi class="count ${view.isTooLong ? "over" : ""}" part="counter" dir="ltr">${view.count}</bdi>` : nothing
      }
    </p>
  `;
}

function speechView({ t, disabled }: ComposerView, { on, failure, toggle }: NonNullable<ComposerView["speech"]>): TemplateResult {
  const label = t(on ? "composer.speaking" : "composer.speak");
  return html`${failure ? html`<p class="unheard" part="speech-error" role="alert">${t(failure)}</p>` : nothing}<button
      type="button"
      class="ib"
      part="speech-button"
      aria-label=${label}
      title=${label}
      aria-pressed=${on}
      ?disabled=${disabled}
      @click=${toggle}
    >
      ${icons.microphone()}
    </button>`;
}

export const composerStyles = css`
  .dock {
    position: relative;
    flex: none;
    padding: 0 12px 12px;
  }
  .dock::before {
    content: "";
    position: absolute;
    inset-block-start: -18px;
    inset-inline: 0 14px;
    height: 18px;
    background: linear-gradient(to top, var(--_bg), transparent);
    pointer-events: none;
  }
  .dock > .in {
    position: relative;
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 8px;
    max-width: calc(var(--_content-width) + 8px);
    margin-inline: auto;
  }
  .comp {
    display: flex;
    flex-wrap: wrap;
    align-items: flex-end;
    gap: 4px;
    padding: 5px;
    border: 1px solid var(--_border-strong);
    border-radius: calc(var(--_r) + 3px);
    background: var(--_bg);
    transition:
      border-color var(--_dur) var(--_ease),
      box-shadow var(--_dur) var(--_ease);
  }
  .comp:focus-within {
    border-color: var(--_focus);
    box-shadow: 0 0 0 1px var(--_focus);
  }
  .comp .ib[aria-pressed="true"] {
    background: var(--_raised);
    color: var(--_danger);
  }
  .unheard {
    order: -1;
    flex: 1 0 100%;
    margin: 0;
    padding: 2px 8px;
    color: var(--_danger);
    font-size: 0.8667em;
  }
  .comp textarea {
    all: unset;
    box-sizing: border-box;
    display: block;
    flex: 1;
    min-width: 0;
    min-height: 34px;
    max-height: 168px;
    padding: 5px 8px;
    font: inherit;
    line-height: 24px;
    color: var(--_text);
    overflow-y: auto;
    overflow-wrap: anywhere;
    white-space: pre-wrap;
    field-sizing: content;
    cursor: text;
    scrollbar-width: thin;
  }
  .comp textarea::placeholder {
    color: var(--_muted);
    opacity: 1;
    white-space: nowrap;
    overflow: hidden;
    text-overflow: ellipsis;
  }
  .send {
    display: inline-grid;
    place-items: center;
    flex: none;
    width: 34px;
    height: 34px;
    padding: 0;
    border: 0;
    border-radius: 10px;
    background: var(--_accent);
    color: var(--_on-accent);
    cursor: pointer;
    transition: background var(--_dur) var(--_ease);
  }
  .send[aria-disabled="true"] {
    background: var(--_raised);
    color: var(--_muted);
    cursor: default;
  }
  .send.stop {
    background: var(--_text);
    color: var(--_bg);
  }
  .send .sq {
    width: 11px;
    height: 11px;
    border-radius: 2.5px;
    background: currentColor;
  }
  .hint {
    min-height: 1.4em;
    margin: 0;
    font-size: 0.8em;
    line-height: 1.4;
    color: var(--_muted);
    text-align: center;
    text-wrap: balance;
  }
  .hint.counted {
    display: flex;
    gap: 12px;
    justify-content: space-between;
    padding-inline: 4px;
    text-align: start;
  }
  .count {
    flex: none;
    margin-inline-start: auto;
    font-variant-numeric: tabular-nums;
  }
  .count.over {
    color: var(--_danger);
    font-weight: 600;
  }
  .queued {
    display: flex;
    align-items: center;
    gap: 9px;
    padding: 2px 4px 2px 11px;
    padding-inline: 11px 4px;
    border: 1px dashed var(--_border-strong);
    border-radius: 10px;
    font-size: 0.8667em;
    color: var(--_text-2);
  }
  .queued p {
    flex: 1;
    min-width: 0;
    margin: 0;
    white-space: nowrap;
    overflow: hidden;
    text-overflow: ellipsis;
  }
  .queued strong {
    font-weight: 600;
    color: var(--_text);
  }
  @container chanl (max-width: 359px) {
    .dock {
      padding: 0 8px 8px;
    }
  }
  @container chanl (min-width: 480px) {
    .dock {
      padding: 0 16px 16px;
    }
  }
  @container chanl (min-width: 760px) {
    .dock {
      padding-bottom: 20px;
    }
  }
`;
