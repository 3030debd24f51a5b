/**
 * Tokens of one message to DOM: at most one write per animation frame, whatever the rate of the tokens, and at most 8 ms
 * of work in it.
 */
import { MarkdownStream } from "../markdown/markdown-stream.ts";
import type { HighlightCode } from "./code-writer.ts";
import { DomWriter, placeCaret } from "./dom-writer.ts";
import { createElement } from "./elements.ts";
import { documentFrames, type FrameScheduler } from "./frame-scheduler.ts";
import type { MathSupport } from "./math-support.ts";
import type { RenderLabels } from "./labels.ts";
import { LineBoxes } from "./line-boxes.ts";

export interface TokenRendererOptions {
  /** @defaultValue `"markdown"` */
  format?: "markdown" | "text" | undefined;
  /** @defaultValue the frames of the element's window, a timer of 250 ms while it is hidden */
  scheduler?: FrameScheduler | undefined;
  /** Called after each write, in the same frame: the place to follow the text by scrolling. */
  onFrame?: ((frame: RenderedFrame) => void) | undefined;
  /** Shows a caret behind the text until `end`. @defaultValue `false` */
  caret?: boolean | undefined;
  /** Level of the text's first-level headings in the page, 1 to 6. @defaultValue `3` */
  headingBase?: number | undefined;
  /** The renderer's own words. @defaultValue English */
  labels?: Partial<RenderLabels> | undefined;
  /**
   * Origins whose images are shown at once, such as `https://img.example.com`; `data:` stands for images in the text itself. All others are
   * a button that loads the image after a click. A listed origin learns what the model puts into the address, and so does
   * whoever it redirects to.
   * @defaultValue `{ origins: [] }`
   */
  imagePolicy?: { readonly origins: readonly string[] } | undefined;
  /** What relative addresses are relative to. @defaultValue the document's base URL */
  base?: string | undefined;
  /**
   * Loads what colours complete code blocks, in idle time; called with the first of them. When it fails, code stays plain.
   * @defaultValue none: code stays plain
   */
  highlighter?: (() => Promise<HighlightCode>) | undefined;
  /** Mathematics: `import { math } from "chanl-chat/math"`. @defaultValue none: TeX is text */
  math?: MathSupport | undefined;
  /** Clock in ms that bounds the work of one frame. @defaultValue `performance.now` */
  now?: (() => number) | undefined;
}

export interface RenderedFrame {
  /** The text is complete and everything of it is shown. */
  ended: boolean;
}

export interface RenderCounters {
  tokens: number;
  /** Writes to the DOM. */
  flushes: number;
  /** Characters looked at by the block structure, every look counted. 0 for plain text. */
  bytesScanned: number;
  /** Characters read by the inline parser, every reading counted. */
  inlineBytes: number;
  /** Operations on the tree. */
  ops: number;
}

/** Work per frame, in ms: half of a frame at 60 Hz, the rest is for layout and paint. */
const FRAME_BUDGET_MS = 8;
/** Characters between two looks at the clock: about 0.2 ms of work. */
const SLICE = 4_096;

interface TextSink {
  write(text: string): void;
  flush(caret: HTMLElement | null): void;
  end(): void;
  stop(): void;
}

export class TokenRenderer {
  readonly #scheduler: FrameScheduler;
  readonly #onFrame: ((frame: RenderedFrame) => void) | undefined;
  readonly #now: () => number;
  readonly #sink: TextSink;
  readonly #stream: MarkdownStream<unknown> | null = null;
  #caret: HTMLElement | null;
  /** Tokens that wait, oldest first, and before them the rest of those that were joined to be written in slices. */
  #pending: string[] = [];
  #rest = "";
  #cancel: (() => void) | null = null;
  #state: "open" | "ending" | "ended" | "destroyed" = "open";
  #tokens = 0;
  #flushes = 0;

  constructor(element: HTMLElement, options: TokenRendererOptions = {}) {
    const document = element.ownerDocument;
    this.#scheduler = options.scheduler ?? documentFrames(document);
    this.#onFrame = options.onFrame;
    this.#now = options.now ?? (() => performance.now());
    this.#caret = options.caret ? createElement(document, "span", { class: "caret", "aria-hidden": "true" }) : null;
    if (options.format === "text") {
      // Line ends are kept by the style sheet: `white-space: pre-wrap`.
      const boxes = new LineBoxes(element, "div", "auto");
      this.#sink = {
        write: (text) => boxes.append(text),
        flush: (caret) => {
          boxes.flush();
          if (caret) placeCaret(caret, boxes.tail);
        },
        end: () => {},
        stop: () => {},
      };
    } else {
      const writer = new DomWriter(element, options);
      const stream = new MarkdownStream(writer, { math: options.math?.scan });
      this.#stream = stream;
      this.#sink = {
        write: (text) => stream.write(text),
        flush: (caret) => {
          stream.flush();
          writer.flush(caret);
        },
        end: () => {
          stream.end();
          writer.end();
        },
        stop: () => writer.stop(),
      };
    }
    if (this.#caret) element.append(this.#caret);
  }

  get counters(): RenderCounters {
    return { tokens: this.#tokens, flushes: this.#flushes, bytesScanned: 0, inlineBytes: 0, ops: 0, ...this.#stream?.counters };
  }

  /** Adds text. Shown in the next frame. */
  append(token: string): void {
    if (this.#state === "destroyed" || token === "") return;
    if (this.#state !== "open") throw new TypeError("append after end");
    this.#tokens++;
    this.#pending.push(token);
    this.#schedule();
  }

  /** The text is complete: finishes it and takes the caret away, in the next frame. */
  end(): void {
    if (this.#state !== "open") return;
    this.#state = "ending";
    this.#schedule();
  }

  /** Shows everything now, without waiting for a frame and without a limit. For restored messages and for tests. */
  flush(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#write(Number.POSITIVE_INFINITY);
  }

  /** Stops for good: nothing runs afterwards. What is shown stays, without the caret. */
  destroy(): void {
    this.#state = "destroyed";
    this.#sink.stop();
    this.#cancel?.();
    this.#cancel = null;
    this.#caret?.remove();
    this.#caret = null;
  }

  #schedule(): void {
    this.#cancel ??= this.#scheduler.schedule(() => {
      this.#cancel = null;
      this.#write(FRAME_BUDGET_MS);
    });
  }

  #write(budget: number): void {
    if (this.#state === "destroyed" || this.#state === "ended") return;
    const start = this.#now();
    while (this.#waiting) {
      if (this.#rest === "") {
        this.#rest = this.#pending.join("");
        this.#pending = [];
      }
      this.#sink.write(this.#rest.slice(0, SLICE));
      this.#rest = this.#rest.slice(SLICE);
      if (this.#now() - start >= budget) break;
    }
    const ended = this.#state === "ending" && !this.#waiting;
    if (ended) {
      this.#sink.end();
      this.#caret?.remove();
      this.#caret = null;
      this.#state = "ended";
    }
    this.#sink.flush(this.#caret);
    this.#flushes++;
    if (this.#waiting) this.#schedule();
    this.#onFrame?.({ ended });
  }

  /** Something has not been written yet. */
  get #waiting(): boolean {
    return this.#pending.length > 0 || this.#rest !== "";
  }
}
