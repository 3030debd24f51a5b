/**
 * What is said, on screen and to screen readers: everything a chat needs once there is something in it. A part of its own, loaded
 * when a visitor comes near the composer or there is a conversation to come back to, because most visitors of most pages never ask.
 */
import type { CSSResult } from "lit";

import type { JsonValue } from "../shared/protocol/chunk.ts";
import { math } from "../shared/math/math.ts";
import { documentFrames } from "../shared/render/frame-scheduler.ts";
import { whenIdle } from "../shared/render/idle.ts";
import type { TokenRendererOptions } from "../shared/render/token-renderer.ts";
import type { ChatSession, SessionSnapshot } from "../shared/session/chat-session.ts";
import { type ChatMessage, messageText } from "../shared/session/message.ts";
import { rate, selectVersion } from "../shared/session/versions.ts";
import type { TransportChunk } from "../shared/transport/transport.ts";
import { Announcer, type AnnounceMode } from "./controllers/announcer.ts";
import { AnswerText } from "./controllers/answer-text.ts";
import { copyText } from "./controllers/clipboard.ts";
import { Disclosures } from "./controllers/disclosures.ts";
import { TypingFrames } from "./controllers/typing-frames.ts";
import { ChanlCopyEvent, ChanlFeedbackEvent } from "./events.ts";
import { imageOrigins } from "./image-hosts.ts";
import type { Lazy } from "./lazy.ts";
import type { Reading } from "./read-aloud.ts";
import { drawCode, DrawnCalls, type Renderers } from "./renderers.ts";
import type { Translate } from "./strings.ts";
import { prose } from "./theme/prose.styles.ts";
import { countInTitle } from "./title-badge.ts";
import { conversationStyles, conversationView } from "./views/conversation.ts";
import { type MessageActions, messageStyles } from "./views/message.ts";
import { reasoningStyles } from "./views/reasoning.ts";
import { sourcesStyles } from "./views/sources.ts";
import { toolCardStyles, toolTitle } from "./views/tool-card.ts";
import { toolDetailsStyles } from "./views/tool-details.ts";

const COPIED_FOR_MS = 2_000;
/** The longest the colours of code wait for an idle moment before they are loaded, in ms. */
const HIGHLIGHTER_TIMEOUT_MS = 1_000;

/** How things are said and shown at the moment. */
export interface ConversationLook {
  t: Translate;
  locale: string;
  name: string;
  headingLevel: number;
  showMetrics: boolean;
  feedback: boolean;
  readAloud: boolean;
  math: boolean;
  allowImageHosts: readonly string[];
  renderers: Renderers | undefined;
  announce: AnnounceMode;
  /** The panel is closed or the tab hidden. */
  isAway: boolean;
}

export interface ConversationHost {
  /** The element, whose children belong to the page. */
  readonly page: HTMLElement;
  readonly lazy: Lazy;
  look(): ConversationLook;
  session(): ChatSession | null;
  snapshot(): SessionSnapshot;
  emit(event: Event): boolean;
  changed(): void;
  /** The text just written is followed, or what folds out is not. */
  follow(): void;
  release(): void;
  focusComposer(): void;
  /** Asks again; the focus goes to the composer, because the button goes away. */
  ask(how: "retry" | "regenerate" | "continue"): void;
  edit(messageId: string, text: string): void;
  startNew(): void;
  decide(toolCallId: string, approved: boolean, changed?: JsonValue): void;
}

export class Conversation {
  readonly #host: ConversationHost;
  readonly #answerText: AnswerText;
  readonly #disclosures: Disclosures;
  readonly #drawnCalls: DrawnCalls;
  readonly #frames = new TypingFrames(documentFrames(document));
  readonly #announcer: Announcer;
  #copied: string | null = null;
  #editing: string | null = null;
  #reading: { id: string; stop: () => void } | null = null;
  #limitedUntil = 0;
  #imageHosts: readonly string[] = [];
  #imageOrigins: readonly string[] = [];
  #limitTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(host: ConversationHost) {
    this.#host = host;
    this.#drawnCalls = new DrawnCalls(host.page);
    this.#answerText = new AnswerText(() => this.#rendererOptions());
    this.#disclosures = new Disclosures(() => {
      host.release();
      host.changed();
    });
    this.#announcer = new Announcer(() => {
      const { t, name, announce, isAway } = host.look();
      const last = host.snapshot().messages.findLast(({ role }) => role === "assistant");
      return { t, name, mode: announce, away: isAway, answer: () => this.#answerText.elements(last?.id ?? "") };
    });
  }

  get announcer(): Announcer {
    return this.#announcer;
  }

  /** @param shown the messages that are in the document, the newest of all */
  view(shown: readonly ChatMessage[]): unknown {
    const { t, locale, name, headingLevel, showMetrics, feedback, readAloud, renderers } = this.#host.look();
    const { messages, isStreaming, forks } = this.#host.snapshot();
    const last = messages.at(-1);
    return conversationView(shown, messages.length - shown.length, {
      t,
      locale,
      name,
      level: headingLevel,
      showMetrics,
      feedback,
      readAloud: readAloud && "speechSynthesis" in globalThis,
      answerText: this.#answerText,
      disclosures: this.#disclosures,
      drawnCalls: this.#drawnCalls,
      renderers,
      lazy: this.#host.lazy,
      forks,
      base: document.baseURI,
      copied: this.#copied,
      editing: this.#editing,
      reading: this.#reading?.id ?? null,
      isStreaming,
      canRetry: !isStreaming && last?.role === "assistant" ? last.id : null,
      limitedUntil: this.#limitedUntil,
      actions: this.#actions,
    });
  }

  /** Called after each render. */
  rendered(root: Node, polite: HTMLElement | null, assertive: HTMLElement | null): void {
    this.#announcer.attach(polite, assertive);
    this.#answerText.sweep(root);
  }

  /** `true` when the chunk went to the screen without a render. */
  push(chunk: TransportChunk, message: ChatMessage): boolean {
    return this.#answerText.push(chunk, message);
  }

  /** Another conversation is on screen, or none. */
  forget(): void {
    this.#answerText.forget();
    this.#disclosures.clear();
    this.#announcer.dispose();
    this.#editing = null;
    this.#reading?.stop();
  }

  /** The element left the document: nothing goes on that only a page can have. */
  leave(): void {
    this.#reading?.stop();
    clearTimeout(this.#limitTimer);
  }

  /** An answer ended, and said what it says about that. */
  ended(answer: ChatMessage): void {
    const { t } = this.#host.look();
    const how = answer.status === "complete" ? "complete" : answer.status === "stopped" ? "stopped" : "failed";
    void this.#answerText.complete(answer.id).then(() => this.#announcer.ended(how));
    if (answer.status === "complete") countInTitle();
    if (answer.status === "error") this.#failed(answer);
    if (answer.status === "interrupted") this.#announcer.alert(`${t("err.dropped")}. ${t("err.kept")}`);
  }

  /** A tool call waits for the visitor. */
  asks(name: string): void {
    const { t } = this.#host.look();
    this.#announcer.alert(`${t("tool.label", { title: toolTitle(name) })}. ${t("tool.ask")}`);
  }

  /** @param id of the message to be asked anew; `null` ends it */
  edit(id: string | null): void {
    if (this.#host.snapshot().isStreaming) return;
    const had = this.#editing;
    this.#editing = id;
    if (id !== null) this.#host.release();
    else if (had !== null) this.#host.focusComposer();
    this.#host.changed();
  }

  readonly #actions: MessageActions = {
    copy: (message) => void this.#copy(message),
    retry: () => this.#host.ask("retry"),
    regenerate: () => this.#host.ask("regenerate"),
    continue: () => this.#host.ask("continue"),
    startNew: () => this.#host.startNew(),
    edit: (message) => this.edit(message?.id ?? null),
    save: (message, text) => {
      this.edit(null);
      if (text.trim() !== messageText(message).trim()) this.#host.edit(message.id, text);
    },
    selectVersion: ({ id }, index) => {
      const session = this.#host.session();
      if (session) selectVersion(session, id, index);
    },
    rate: ({ id }, asked) => {
      const session = this.#host.session();
      const rating = session ? rate(session, id, asked) : undefined;
      if (rating !== undefined) this.#host.emit(new ChanlFeedbackEvent({ messageId: id, rating }));
    },
    read: (message) => void this.#read(message),
    decide: ({ id }, approved, changed) => this.#host.decide(id, approved, changed),
  };

  #failed({ error }: ChatMessage): void {
    const { t } = this.#host.look();
    const { code, retryAfterMs = 0 } = error ?? {};
    const isLimited = code === "rate_limited" || code === "provider_rate_limited";
    if (!isLimited || retryAfterMs === 0) return this.#announcer.alert(t(isLimited ? "rate.title" : "err.generic"));
    this.#limitedUntil = Date.now() + retryAfterMs;
    this.#announcer.alert(`${t("rate.title")}. ${t("rate.text", { s: Math.ceil(retryAfterMs / 1_000) })}`);
    clearTimeout(this.#limitTimer);
    this.#limitTimer = setTimeout(() => {
      this.#limitedUntil = 0;
      this.#announcer.notice(this.#host.look().t("rate.over"));
      this.#host.changed();
    }, retryAfterMs);
    this.#host.changed();
  }

  /** Says what went wrong at once. */
  alert(message: string): void {
    this.#announcer.alert(message);
  }

  async #copy(message: ChatMessage): Promise<void> {
    const text = messageText(message);
    if (!(await copyText(text))) return;
    this.#copied = message.id;
    this.#announcer.notice(this.#host.look().t("act.copied"));
    this.#host.changed();
    this.#host.emit(new ChanlCopyEvent({ messageId: message.id, length: text.length }));
    setTimeout(() => {
      if (this.#copied === message.id) this.#copied = null;
      this.#host.changed();
    }, COPIED_FOR_MS);
  }

  async #read(message: ChatMessage): Promise<void> {
    const before = this.#reading;
    before?.stop();
    if (before?.id === message.id) return;
    const part = await this.#host.lazy.load("read-aloud");
    if (!part) return;
    const text = this.#answerText.elements(message.id).map((element) => (element as HTMLElement).innerText);
    let reading: Reading | null = null;
    const entry = { id: message.id, stop: () => reading?.stop() };
    this.#reading = entry;
    reading = part.readAloud(text.join("\n"), this.#host.look().locale, () => {
      if (this.#reading === entry) this.#reading = null;
      this.#host.changed();
    });
    this.#host.changed();
  }

  /** A key was pressed in the composer. */
  typed(): void {
    this.#frames.typed();
  }

  #rendererOptions(): TokenRendererOptions {
    const { t, headingLevel, math: hasMath, allowImageHosts } = this.#host.look();
    // Checked once, not for each answer.
    if (allowImageHosts !== this.#imageHosts) {
      this.#imageHosts = allowImageHosts;
      this.#imageOrigins = imageOrigins(allowImageHosts);
    }
    return {
      math: hasMath ? math : undefined,
      imagePolicy: { origins: this.#imageOrigins },
      headingBase: headingLevel + 1,
      caret: true,
      scheduler: this.#frames,
      onFrame: () => this.#host.follow(),
      highlighter: async () => {
        // What is to be read comes first: the grammars take 20 ms to start.
        await new Promise<void>((resolve) => void whenIdle(resolve, HIGHLIGHTER_TIMEOUT_MS));
        const { highlightCode } = await import("../shared/render/code-highlighter.ts");
        return (code, language) =>
          drawCode(code, language, this.#host.look().renderers) ? () => undefined : highlightCode(code, language);
      },
      labels: {
        copyCode: t("code.copy"),
        copied: t("act.copied"),
        code: t("code.plain"),
        codeBlock: t("code.label"),
        wrapLines: t("code.wrap"),
        showAll: t("code.more"),
        table: t("table.label"),
        image: t("image.load"),
        imageWithoutAlt: t("image.loadPlain"),
        taskDone: t("task.done"),
        taskOpen: t("task.open"),
      },
    };
  }
}

export const styles: readonly CSSResult[] = [
  conversationStyles,
  messageStyles,
  prose,
  reasoningStyles,
  toolCardStyles,
  toolDetailsStyles,
  sourcesStyles,
];
