/** What goes along with the next question: the page beside the panel, a selection, other tabs. Seen, counted and switched by the person. */
import type { ContextPart } from "../../shared/session/message.ts";
import type { Intent } from "../intent.ts";
import { waitForPage } from "../intent.ts";
import { activeTabId, lookAt, PageError, watchPages, type PageState, type PageTarget } from "./access.ts";
import { readPage, readSelection, selectionFromMenu } from "./page-text.ts";

/** Most characters of everything that goes along: what one request may hold, less the question. */
const MAX_ALONG_CHARS = 90_000;

export interface PageContextOptions {
  windowId: number;
  /** Whether a page goes along until it is switched off. */
  sendPage: boolean;
  changed: () => void;
  /** Something could not be read; a sentence for the person. */
  failed: (message: string) => void;
}

export class PageContext {
  readonly #options: PageContextOptions;
  readonly #unwatch: () => void;
  #page: PageState | null = null;
  #isOn: boolean;
  #part: ContextPart | null = null;
  #pieces: readonly ContextPart[] = [];
  /** The person wants to show this page and Chrome hides it: the next click on the toolbar button does it. */
  #isWaiting = false;
  #looking = 0;
  #sent = "";

  constructor(options: PageContextOptions) {
    this.#options = options;
    this.#isOn = options.sendPage;
    this.#unwatch = watchPages(options.windowId, () => void this.look());
    void this.look();
  }

  get page(): PageState | null {
    return this.#page;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  /** The page as it was read last. */
  get part(): ContextPart | null {
    return this.#part;
  }

  /** Selections and other tabs. */
  get pieces(): readonly ContextPart[] {
    return this.#pieces;
  }

  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** Looks which page is in front now, and reads it when it is to go along. */
  async look(): Promise<void> {
    const turn = ++this.#looking;
    const tabId = await activeTabId(this.#options.windowId);
    const page = tabId === null ? null : await lookAt(tabId);
    if (turn !== this.#looking) return;
    const before = this.#page?.kind === "readable" ? this.#page.target : null;
    const now = page?.kind === "readable" ? page.target : null;
    this.#page = page;
    if (now) this.#isWaiting = false;
    if (before?.documentId !== now?.documentId || before?.url !== now?.url) this.#part = null;
    this.#options.changed();
    if (now && this.#isOn && !this.#part) await this.#read(now);
  }

  /** The chip: on or off, or, for a page Chrome hides, how to show it. */
  async toggle(): Promise<void> {
    const page = this.#page;
    if (page?.kind === "hidden") {
      this.#isOn = true;
      this.#isWaiting = true;
      await waitForPage(this.#options.windowId, page.tabId);
    } else if (page?.kind === "readable") {
      this.#isOn = !this.#isOn;
      if (this.#isOn) await this.#read(page.target);
    }
    this.#options.changed();
  }

  /** A gesture elsewhere showed the panel a page, or a selection on it. */
  async take(intent: Exclude<Intent, { kind: "question" }>): Promise<void> {
    if (intent.kind === "page") {
      await this.look();
      this.#isOn = true;
      this.#isWaiting = false;
      if (this.#page?.kind === "readable") await this.#read(this.#page.target);
      this.#options.changed();
      return;
    }
    void this.look();
    const part = await selectionFromMenu(intent.tabId, intent.frameId, intent.text);
    if (part) this.add(part);
    else this.#options.failed("nothing-selected");
  }

  async addSelection(): Promise<ContextPart | null> {
    if (this.#page?.kind !== "readable") return null;
    const part = await readSelection(this.#page.target).catch(() => null);
    if (part) this.add(part);
    return part;
  }

  /** Switches the page on, for a prompt that needs it. */
  async include(): Promise<void> {
    if (this.#page?.kind === "readable" && !this.#isOn) await this.toggle();
  }

  add(part: ContextPart): void {
    const others = this.#pieces.filter(({ kind, url, text }) => kind !== part.kind || url !== part.url || text !== part.text);
    this.#pieces = [...others, part];
    this.#options.changed();
  }

  remove(part: ContextPart): void {
    this.#pieces = this.#pieces.filter((other) => other !== part);
    this.#options.changed();
  }

  /** Another conversation knows nothing of what was sent along in the one before. */
  forget(): void {
    this.#sent = "";
    this.#pieces = [];
    this.#options.changed();
  }

  /** What goes along with the question asked now. A page that went along before, and is the same, does not go again. */
  async gather(): Promise<ContextPart[]> {
    const parts = [...this.#pieces];
    this.#pieces = [];
    if (this.#isOn && this.#page?.kind === "readable") {
      await this.#read(this.#page.target, { quietly: true });
      if (this.#part && this.#part.text !== this.#sent) {
        this.#sent = this.#part.text;
        parts.unshift(this.#part);
      }
    }
    this.#options.changed();
    let room = MAX_ALONG_CHARS;
    return parts.flatMap((part) => {
      const text = part.text.slice(0, room);
      room -= text.length;
      return text === "" ? [] : [text.length === part.text.length ? part : { ...part, text, trimmed: true as const }];
    });
  }

  dispose(): void {
    this.#unwatch();
  }

  async #read(target: PageTarget, { quietly = false } = {}): Promise<void> {
    try {
      const part = await readPage(target);
      const isCurrent = this.#page?.kind === "readable" && this.#page.target.documentId === target.documentId;
      if (isCurrent) this.#part = part.text === this.#part?.text ? this.#part : part;
    } catch (error) {
      this.#part = null;
      if (!quietly) this.#options.failed(error instanceof PageError ? error.message : "The page could not be read.");
    }
    this.#options.changed();
  }
}
