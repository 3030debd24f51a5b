/**
 * Files that go along with the next question. A part of its own: most chats take none. It imports nothing that the script itself
 * needs, because the bundler would move that into a file the script waits for. What is text goes as text, pictures are made
 * small enough for a request; anything else is refused where it is chosen, with the reason beside it.
 */
import type { ContextPart } from "../shared/session/message.ts";
import { readPicture, readText } from "./file-contents.ts";
import type { Translate } from "./strings.ts";

/** JSON characters all files of a question may take: two thirds of the gateway's limit, the rest is the conversation's. */
const MAX_CHARS = 170_000;
/** A message holds 100,000 characters, the person's words included. */
const MAX_TEXT = 90_000;
/** The most one picture gets; more adds nothing a model could see. */
const MAX_PICTURE = 110_000;
const MOST_PICTURES = 8;

export interface AttachmentRules {
  t: Translate;
  locale: string;
  accept: string;
  maxFileSize: number;
  maxFiles: number;
}

export interface Attachment {
  readonly id: string;
  readonly name: string;
  readonly file: Blob;
  /** `null` while it is being read. */
  part: ContextPart | null;
}

export interface AttachmentsHost {
  rules(): AttachmentRules;
  /** A random id. */
  newId(): string;
  changed(): void;
  /** A file was refused: said at once. */
  refused(reason: string): void;
}

export class Attachments {
  readonly #host: AttachmentsHost;
  #items: readonly Attachment[] = [];
  #errors: readonly string[] = [];
  #reading: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(host: AttachmentsHost) {
    this.#host = host;
  }

  get items(): readonly Attachment[] {
    return this.#items;
  }

  /** Why files were refused, until the next are chosen. */
  get errors(): readonly string[] {
    return this.#errors;
  }

  /** A file is being read, or a picture made smaller because another came. */
  get isReading(): boolean {
    return this.#waiting > 0;
  }

  /** Settles when every file is read or refused. */
  get settled(): Promise<void> {
    return this.#reading;
  }

  add(files: readonly File[]): Promise<void> {
    this.#errors = [];
    const { t, locale, accept, maxFileSize, maxFiles } = this.#host.rules();
    for (const file of files) {
      const name = file.name || t("composer.file");
      if (this.#items.length >= maxFiles) this.#refuse(t("composer.tooMany", { n: maxFiles }));
      else if (!isAccepted(file, accept)) this.#refuse(t("composer.badType", { file: name }));
      else if (file.size > maxFileSize) this.#refuse(t("composer.tooBig", { file: name, size: sizeOf(maxFileSize, locale) }));
      else this.#items = [...this.#items, { id: this.#host.newId(), name, file, part: null }];
    }
    return this.#read();
  }

  remove(id: string): void {
    this.#errors = [];
    this.#items = this.#items.filter((item) => item.id !== id);
    void this.#read();
  }

  /** What is there goes with the question, and is gone from here. */
  take(): ContextPart[] {
    const parts = this.#items.flatMap(({ part }) => part ?? []);
    this.#items = [];
    this.#errors = [];
    this.#host.changed();
    return parts;
  }

  /** A question came back: so does what went along with it. */
  putBack(parts: readonly ContextPart[]): void {
    this.#items = [...parts.map((part) => ({ id: part.id, name: part.title, file: new Blob(), part })), ...this.#items];
    this.#host.changed();
  }

  #read(): Promise<void> {
    this.#waiting += 1;
    this.#host.changed();
    return (this.#reading = this.#reading.then(() => this.#readAll()));
  }

  /** Pictures share what texts leave, so another file may make them smaller. */
  async #readAll(): Promise<void> {
    for (const item of this.#items.filter(({ part }) => !part)) await this.#readOne(item);
    const pictures = this.#items.filter(({ part }) => part?.image);
    const texts = this.#items.reduce((sum, { part }) => sum + JSON.stringify(part?.text ?? "").length, 0);
    const share = Math.floor((MAX_CHARS - texts) / Math.max(1, pictures.length));
    for (const item of pictures) {
      if (!item.part?.image || item.part.image.length <= share || item.file.size === 0) continue;
      const image = await readPicture(item.file, share);
      if (image) item.part = { ...item.part, image };
    }
    this.#waiting -= 1;
    this.#host.changed();
  }

  async #readOne(item: Attachment): Promise<void> {
    const { t, locale } = this.#host.rules();
    const { id, name, file } = item;
    const made = { type: "context", id, title: name, url: "" } as const;
    const image = file.type.startsWith("image/") ? await readPicture(file, MAX_PICTURE) : null;
    const text = image ? "" : await readText(file);
    const others = this.#items.filter((other) => other !== item && other.part);
    const taken = others.reduce((sum, { part }) => sum + (part?.text.length ?? 0), 0);
    const pictures = others.filter(({ part }) => part?.image).length;
    if (text === null) this.#drop(item, t("composer.badType", { file: name }));
    else if (taken + text.length > MAX_TEXT) this.#drop(item, t("composer.tooBig", { file: name, size: sizeOf(MAX_TEXT - taken, locale) }));
    else if (image && pictures >= MOST_PICTURES) this.#drop(item, t("composer.tooMany", { n: MOST_PICTURES }));
    else item.part = { ...made, kind: image ? "picture" : "file", text, ...(image ? { image } : {}) };
  }

  #drop(item: Attachment, reason: string): void {
    this.#items = this.#items.filter((other) => other !== item);
    this.#refuse(reason);
  }

  #refuse(reason: string): void {
    if (this.#errors.includes(reason)) return;
    this.#errors = [...this.#errors, reason];
    this.#host.refused(reason);
  }
}

/** By the rules of `<input accept>`: extensions, types, and `image/*`. */
function isAccepted({ name, type }: File, accept: string): boolean {
  const rules = accept
    .toLowerCase()
    .split(",")
    .map((rule) => rule.trim())
    .filter(Boolean);
  if (rules.length === 0) return true;
  return rules.some((rule) => {
    if (rule.startsWith(".")) return name.toLowerCase().endsWith(rule);
    return rule.endsWith("/*") ? type.startsWith(rule.slice(0, -1)) : type === rule;
  });
}

function sizeOf(bytes: number, locale: string): string {
  const [unit, value] = bytes >= 1_000_000 ? (["megabyte", bytes / 1_000_000] as const) : (["kilobyte", bytes / 1_000] as const);
  return new Intl.NumberFormat(locale, { style: "unit", unit, maximumFractionDigits: 1 }).format(value);
}
