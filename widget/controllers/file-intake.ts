/** How files come to the composer: by the button, by paste and by drop. What is done with them is a part that is loaded with the first. */
import { html, nothing, type TemplateResult } from "lit";

import { randomId } from "../../shared/random-id.ts";
import type { ContextPart } from "../../shared/session/message.ts";
import type { AttachmentRules, Attachments } from "../attachments.ts";
import type { Lazy } from "../lazy.ts";
import { attachmentsView } from "../views/attachments.ts";

/** A longer paste may be wanted as a file. */
const LONG_PASTE = 4_000;

export interface FileIntakeHost {
  readonly lazy: Lazy;
  /** Whether files may come at all. */
  takesFiles(): boolean;
  rules(): AttachmentRules;
  text(): string;
  setText(text: string): void;
  changed(): void;
  refused(reason: string): void;
  focusComposer(): void;
}

export class FileIntake {
  readonly #host: FileIntakeHost;
  #files: Attachments | null = null;
  #isDragging = false;
  #pasted: string | null = null;
  #picker: HTMLInputElement | null = null;

  constructor(host: FileIntakeHost) {
    this.#host = host;
  }

  get hasFiles(): boolean {
    return (this.#files?.items.length ?? 0) > 0;
  }

  get isReading(): boolean {
    return this.#files?.isReading ?? false;
  }

  get settled(): Promise<void> {
    return this.#files?.settled ?? Promise.resolve();
  }

  /** What goes along with the question that is written. */
  get parts(): readonly ContextPart[] {
    return this.#files?.items.flatMap(({ part }) => part ?? []) ?? [];
  }

  clear(): void {
    this.#pasted = null;
    this.#files?.take();
  }

  putBack(parts: readonly ContextPart[]): void {
    if (parts.length > 0) this.#files?.putBack(parts);
  }

  /** @returns why files were refused; empty when all are there */
  async add(files: readonly File[]): Promise<readonly string[]> {
    const part = await this.#host.lazy.load("attachments");
    if (!part || files.length === 0) return [];
    this.#files ??= new part.Attachments({
      rules: () => this.#host.rules(),
      newId: randomId,
      changed: () => this.#host.changed(),
      refused: (reason) => this.#host.refused(reason),
    });
    await this.#files.add(files);
    return this.#files.errors;
  }

  readonly choose = (): void => {
    const picker = (this.#picker ??= this.#makePicker());
    const { maxFiles, accept } = this.#host.rules();
    picker.multiple = maxFiles > 1;
    picker.accept = accept;
    picker.click();
  };

  readonly onPaste = (event: ClipboardEvent): void => {
    const { clipboardData } = event;
    if (!clipboardData || !this.#host.takesFiles()) return;
    const files = [...clipboardData.files];
    const text = clipboardData.getData("text/plain");
    // A spreadsheet's cells come as a picture of them too: who pastes text means the text.
    if (files.length > 0 && text === "") {
      event.preventDefault();
      void this.add(files);
    } else if (text.length > LONG_PASTE) {
      this.#pasted = text;
      void this.#host.lazy.load("attachments");
      this.#host.changed();
    }
  };

  readonly onDrag = (event: DragEvent): void => {
    if (!this.#host.takesFiles() || !event.dataTransfer?.types.includes("Files")) return;
    // Without this a file that is dropped takes the place of the page.
    event.preventDefault();
    const { currentTarget, relatedTarget, type } = event;
    const left = type === "dragleave" && !(currentTarget as Node).contains(relatedTarget as Node | null);
    if (type === "drop") void this.add([...event.dataTransfer.files]);
    const isDragging = type === "drop" || left ? false : type === "dragleave" ? this.#isDragging : true;
    if (isDragging === this.#isDragging) return;
    this.#isDragging = isDragging;
    if (isDragging) void this.#host.lazy.load("attachments");
    this.#host.changed();
  };

  /** @returns `true` when there was one */
  removeLast(): boolean {
    const last = this.#files?.items.at(-1);
    if (last) this.#files?.remove(last.id);
    return last !== undefined;
  }

  view(): TemplateResult | typeof nothing {
    const offersPaste = this.#pasted !== null && this.#host.text().includes(this.#pasted);
    if (!this.#files && !offersPaste) return nothing;
    return attachmentsView({
      t: this.#host.rules().t,
      items: this.#files?.items ?? [],
      errors: this.#files?.errors ?? [],
      offersPaste,
      onTakePaste: () => this.#takePaste(),
      onRemove: (id) => {
        this.#files?.remove(id);
        this.#host.focusComposer();
      },
    });
  }

  veil(): TemplateResult | typeof nothing {
    return this.#isDragging
      ? html`<div class="veil" part="drop-veil" aria-hidden="true">${this.#host.rules().t("composer.drop")}</div>`
      : nothing;
  }

  #makePicker(): HTMLInputElement {
    const picker = document.createElement("input");
    picker.type = "file";
    picker.addEventListener("change", () => {
      void this.add([...(picker.files ?? [])]);
      // The same file may be chosen again after it was removed.
      picker.value = "";
      this.#host.focusComposer();
    });
    return picker;
  }

  #takePaste(): void {
    const pasted = this.#pasted ?? "";
    this.#pasted = null;
    this.#host.setText(this.#host.text().replace(pasted, "").trim());
    void this.add([new File([pasted], `${this.#host.rules().t("composer.file")}.txt`, { type: "text/plain" })]);
    this.#host.focusComposer();
  }
}
