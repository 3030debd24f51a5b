import { html, nothing, type CSSResult, type PropertyValues, type TemplateResult } from "lit";
import { createRef, ref } from "lit/directives/ref.js";

import type { JsonValue } from "../shared/protocol/chunk.ts";
import type { ChatSession, SessionSnapshot, SessionState } from "../shared/session/chat-session.ts";
import { editMessage, regenerate, selectVersion } from "../shared/session/versions.ts";
import { ChatError } from "../shared/errors.ts";
import { type ChatMessage, type ContextPart, type Question, readQuestion } from "../shared/session/message.ts";
import type { TransportChunk } from "../shared/transport/transport.ts";
import { ChanlChatAttributes } from "./attributes.ts";
import { styles } from "./chanl-chat.styles.ts";
import type { Conversation, ConversationHost } from "./conversation.ts";
import type { Dictation } from "./dictation.ts";
import { AnswerWatch } from "./controllers/answer-watch.ts";
import { Composer, type QueuedMessage } from "./controllers/composer.ts";
import { ConnectionNotice } from "./controllers/connection-notice.ts";
import { FileIntake } from "./controllers/file-intake.ts";
import { Hotkey } from "./controllers/hotkey.ts";
import { Drafts } from "./controllers/drafts.ts";
import { HistoryWindow } from "./controllers/history-window.ts";
import { Language } from "./controllers/language.ts";
import { isShown, PanelController } from "./controllers/panel.ts";
import { ScrollAnchor } from "./controllers/scroll-anchor.ts";
import { type SessionConfig, SessionController, type SessionControllerHost } from "./controllers/session-controller.ts";
import {
  ChanlAfterHideEvent,
  ChanlAfterShowEvent,
  ChanlApprovalEvent,
  ChanlApprovalRequestEvent,
  ChanlBeforeSendEvent,
  ChanlConversationChangeEvent,
  ChanlErrorEvent,
  ChanlHideEvent,
  ChanlLinkClickEvent,
  ChanlSendEvent,
  ChanlShowEvent,
  ChanlStopEvent,
  ChanlUnreadEvent,
} from "./events.ts";
import { Lazy } from "./lazy.ts";
import type { Translate } from "./strings.ts";
import { accentProperties } from "./theme/accent.ts";
import { LiveSheet } from "./theme/live-sheet.ts";
import { bannerView } from "./views/banner.ts";
import { type ComposerView, composerView } from "./views/composer.ts";
import { emptyStateView } from "./views/empty-state.ts";
import { whole } from "./views/figures.ts";
import { headerView } from "./views/header.ts";
import { icons } from "./icons.ts";
import { launcherView } from "./views/launcher.ts";
import { jumpView, loadingView, logView } from "./views/log.ts";
import { noticeView } from "./views/notice.ts";

export type { ChatMode } from "./attributes.ts";
export type * from "./events.ts";
export type { Phrase, Strings } from "./strings.ts";

/** A double click on Send must not stop what it sent. */
const STOP_GUARD_MS = 400;

/**
 * A chat with an agent, streamed: messages, thinking, tool calls and sources, with stop, resume and retry.
 *
 * @summary Streaming chat for AI agents, in one element.
 *
 * @slot avatar - picture of the assistant, in place of the spark
 * @slot header-actions - more controls in the header
 * @slot before-log - above the first message
 * @slot empty - greeting of an empty conversation
 * @slot starters - in place of the suggested questions
 * @slot composer-start - before the text field
 * @slot composer-end - between the text field and the send button
 * @slot disclaimer - the line under the composer
 * @slot footer - below everything
 * @slot launcher-icon - picture on the launcher of a floating chat
 *
 * @event {ChanlReadyEvent} chanl-ready - set up, and restored where something was stored
 * @event {ChanlBeforeSendEvent} chanl-before-send - about to send; cancelable
 * @event {ChanlSendEvent} chanl-send - sent, and on screen
 * @event {ChanlStreamStartEvent} chanl-stream-start - the answer's stream has begun
 * @event {ChanlToolCallEvent} chanl-tool-call - the model called a tool
 * @event {ChanlToolResultEvent} chanl-tool-result - a tool call ended
 * @event {ChanlMessageEvent} chanl-message - an answer ended
 * @event {ChanlStopEvent} chanl-stop - the visitor, or `stop()`, ended an answer
 * @event {ChanlReconnectEvent} chanl-reconnect - the connection was cut and is being picked up again
 * @event {ChanlErrorEvent} chanl-error - something failed
 * @event {ChanlMetricsEvent} chanl-metrics - figures of an answer that ended
 * @event {ChanlShowEvent} chanl-show - the panel is about to open; cancelable
 * @event {ChanlAfterShowEvent} chanl-after-show - the panel is open
 * @event {ChanlHideEvent} chanl-hide - the panel is about to close; cancelable
 * @event {ChanlAfterHideEvent} chanl-after-hide - the panel is closed
 * @event {ChanlCopyEvent} chanl-copy - an answer was copied
 * @event {ChanlApprovalRequestEvent} chanl-approval-request - a tool call waits for the visitor; cancelable: the owner decides instead
 * @event {ChanlApprovalEvent} chanl-approval - it was decided
 * @event {ChanlFeedbackEvent} chanl-feedback - an answer was rated, or a rating taken back
 * @event {ChanlUnreadEvent} chanl-unread - the number of answers nobody saw changed
 * @event {ChanlConversationChangeEvent} chanl-conversation-change - another conversation is on screen
 * @event {ChanlLinkClickEvent} chanl-link-click - a link in an answer was activated; cancelable
 *
 * @csspart panel - the frame of the chat
 * @csspart header - the header
 * @csspart avatar - the picture in the header
 * @csspart title - the assistant's name
 * @csspart subtitle - the line below it
 * @csspart log - the scrolling conversation
 * @csspart speech-button - the button that takes dictation
 * @csspart speech-error - why nothing is heard
 * @csspart earlier - the button for messages that are not in the document
 * @csspart day - a divider between days
 * @csspart empty - what an empty conversation shows
 * @csspart starter - a suggested question
 * @csspart message - a message
 * @csspart message-user - a message of the visitor's
 * @csspart message-assistant - an answer
 * @csspart bubble - the visitor's words
 * @csspart context - what was sent along with them
 * @csspart content - a piece of an answer's text
 * @csspart code - a block of code in it, with its bar
 * @csspart table - a table in it, with what scrolls around it
 * @csspart reasoning - the model's thinking
 * @csspart tool - a tool call; also `tool-` and its state
 * @csspart tool-fold - several finished calls as one line
 * @csspart sources - the sources of an answer
 * @csspart actions - the actions of an answer
 * @csspart action - one of them
 * @csspart metrics - the figures of an answer
 * @csspart banner - a notice; also `banner-bad`, `banner-warn`, `banner-info`
 * @csspart dock - what stands below the log
 * @csspart queued - the message that waits for the end of an answer
 * @csspart composer - the form
 * @csspart input - the text field
 * @csspart attach-button - the button that attaches files
 * @csspart attachment - a file that goes along with the next question
 * @csspart attachment-error - why a file was refused
 * @csspart counter - the characters written, near the end of `maxlength`
 * @csspart drop-veil - what shows while files are dragged over the chat
 * @csspart send-button - the button that sends and stops
 * @csspart scroll-button - the button that jumps to the end
 * @csspart launcher - the launcher of a floating chat
 * @csspart badge - the number of unread answers on it
 *
 * @cssproperty --chanl-accent - the one accent colour
 * @cssproperty --chanl-on-accent - text on it
 * @cssproperty --chanl-accent-text - the accent as a colour of text
 * @cssproperty --chanl-bg - ground
 * @cssproperty --chanl-surface - ground of what stands out a little
 * @cssproperty --chanl-raised - ground of what stands out more
 * @cssproperty --chanl-border - hairlines
 * @cssproperty --chanl-border-strong - borders of controls
 * @cssproperty --chanl-text - text
 * @cssproperty --chanl-text-secondary - less important text
 * @cssproperty --chanl-text-muted - least important text
 * @cssproperty --chanl-user-bg - ground of the visitor's words
 * @cssproperty --chanl-user-text - the visitor's words
 * @cssproperty --chanl-success - what went well
 * @cssproperty --chanl-warning - what needs care
 * @cssproperty --chanl-danger - what failed
 * @cssproperty --chanl-focus - focus outlines
 * @cssproperty --chanl-code-bg - ground of code
 * @cssproperty --chanl-font - typeface
 * @cssproperty --chanl-font-mono - typeface of code
 * @cssproperty [--chanl-font-size=max(15px, .9375em)] - size of text; everything else follows. 1em is what the visitor chose in the browser
 * @cssproperty [--chanl-radius=12px] - roundness; everything else follows
 * @cssproperty [--chanl-duration=180ms] - length of transitions
 * @cssproperty --chanl-ease - their curve
 * @cssproperty --chanl-shadow - shadow of a floating panel
 * @cssproperty [--chanl-density=1] - room between things, as a factor; `density` sets .85 or 1.15
 * @cssproperty [--chanl-content-width=720px] - widest line of messages
 * @cssproperty [--chanl-panel-width=400px] - width of a floating panel
 * @cssproperty --chanl-panel-height - height of a floating panel (680px) and of an inline chat (640px)
 * @cssproperty [--chanl-launcher-size=56px] - size of the launcher
 * @cssproperty [--chanl-offset-x=20px] - distance of launcher and panel from the side
 * @cssproperty [--chanl-offset-y=20px] - distance of launcher and panel from the bottom
 * @cssproperty [--chanl-z-index=2147483000] - stacking of `mode="fullscreen"` and of a floating chat with `layer="page"`; without it that is in the top layer
 *
 * @cssstate streaming - an answer is on its way
 * @cssstate reconnecting - its connection was cut
 * @cssstate interrupted - it could not be picked up
 * @cssstate awaiting-approval - a tool call waits for the visitor
 * @cssstate empty - nothing was said yet
 * @cssstate open - the panel of a floating chat is open
 */
export class ChanlChat extends ChanlChatAttributes implements SessionControllerHost {
  static override styles = styles;

  readonly #internals = typeof this.attachInternals === "function" ? this.attachInternals() : null;
  readonly #sheet = new LiveSheet();
  readonly #sessions = new SessionController(this);
  readonly #drafts = new Drafts(() => this.#storageArea());
  readonly #lazy = new Lazy({
    partLoaded: (added) => this.#partLoaded(added),
    partFailed: (name) => this.#failPart(name),
  });
  readonly #anchor = new ScrollAnchor(
    () => this.requestUpdate(),
    (px) => this.#sheet.set("--_room", px === null ? null : `${px}px`),
  );
  readonly #history = new HistoryWindow(() => this.#showEarlier());
  readonly #watch = new AnswerWatch({
    began: () => this.#conversation?.announcer.began(),
    streams: () => this.#conversation?.announcer.streams(),
    ended: (answer) => this.#onAnswerEnded(answer),
    reconnecting: (now) => this.#connection.reconnecting(now),
    asks: (answer, toolCallId, name) => this.#onApprovalRequest(answer, toolCallId, name),
  });
  readonly #connection = new ConnectionNotice({
    changed: () => this.requestUpdate(),
    reconnecting: () => this.#conversation?.announcer.notice(this.#t("net.reconnecting")),
    back: () => this.#conversation?.announcer.notice(this.#t("net.back")),
    online: () => this.#onOnline(),
  });
  readonly #composer = new Composer({
    textarea: () => this.#input.value ?? null,
    submitKey: () => this.submitKey,
    isTouch: () => isTouch(),
    changed: () => this.requestUpdate(),
    edited: (text) => {
      this.#conversation?.typed();
      if (this.#count !== this.#countShown) this.requestUpdate();
      const { conversationId } = this.#sessions.snapshot;
      if (conversationId === "") return;
      if (text !== "") this.#sessions.remember();
      this.#drafts.save(conversationId, text);
    },
    submit: () => void this.#submit(),
  });
  readonly #intake = new FileIntake({
    lazy: this.#lazy,
    takesFiles: () => this.#takesFiles,
    rules: () => ({ t: this.#t, locale: this.#locale, accept: this.accept, maxFileSize: this.maxFileSize, maxFiles: this.maxFiles }),
    text: () => this.#composer.text,
    setText: (text) => this.#composer.set(text),
    changed: () => this.requestUpdate(),
    refused: (reason) => this.#conversation?.alert(reason),
    focusComposer: () => this.#focusComposer(),
  });
  readonly #language = new Language(() => this.requestUpdate());
  readonly #hotkey = new Hotkey(() => this.#onHotkey());
  readonly #panel = new PanelController(
    {
      dialog: () => this.renderRoot?.querySelector("dialog") ?? null,
      launcherLayer: () => this.renderRoot?.querySelector<HTMLElement>(".launch-layer") ?? null,
      launcher: () => this.renderRoot?.querySelector<HTMLElement>(".launch") ?? null,
      composer: () => this.#input.value ?? null,
      title: () => this.renderRoot?.querySelector<HTMLElement>("#title") ?? null,
      changed: () => this.requestUpdate(),
    },
    this.#sheet,
  );

  readonly #input = createRef<HTMLTextAreaElement>();
  readonly #scroller = createRef<HTMLElement>();
  readonly #column = createRef<HTMLElement>();
  readonly #sentinel = createRef<HTMLElement>();
  readonly #polite = createRef<HTMLElement>();
  readonly #assertive = createRef<HTMLElement>();

  /** `null` until there is something to show, or a visitor comes near. */
  #conversation: Conversation | null = null;
  #expanded = false;
  #unread = 0;
  #sentAt = Number.NEGATIVE_INFINITY;
  /** A page of earlier messages is in this render. */
  #extended = false;
  /** The notice that this is an old conversation was answered. */
  #restoredSeen = false;
  /** Its id; empty while there was no session. */
  #conversationShown = "";
  /** Enter was pressed before there was a session to send to. */
  #submitWaits = false;
  #countShown = "";
  /** What had the focus in here, and had it still when the element left its place. */
  #focused: HTMLElement | null = null;
  #dictation: Dictation | null = null;
  /** What a failed send put back, so that Retry can take it out again. */
  #returned: string | null = null;

  /** The session behind the chat. Set one of your own to share it between elements. */
  get session(): ChatSession | null {
    return this.#sessions.session;
  }

  set session(session: ChatSession | null) {
    this.#sessions.give(session);
    this.requestUpdate();
  }

  /** The conversation so far. */
  get messages(): readonly ChatMessage[] {
    return this.#sessions.snapshot.messages;
  }

  /** What the chat is doing. */
  get state(): SessionState {
    return this.#sessions.snapshot.state;
  }

  /** Figures of the last answer, live while it streams. */
  get metrics(): { ttft: number | null; tokensPerSecond: number | null } {
    const { ttft, tokensPerSecond } = this.#sessions.snapshot;
    return { ttft, tokensPerSecond };
  }

  /**
   * Asks. Settles with the ended answer, or with `null` when nothing was sent. While an answer runs, the message waits for its end.
   * @param asked words, or parts: words and what goes along with them
   * @param options `files` go along, by the rules of `attachments`; when one is refused nothing is sent, and `chanl-error` says why
   */
  async send(asked: Question, options: { files?: readonly File[] } = {}): Promise<ChatMessage | null> {
    // A script may ask as soon as the element is defined.
    if (!this.hasUpdated && this.isConnected) await this.updateComplete;
    const { files = [] } = options;
    const { text, along = [] } = readQuestion(asked);
    if (files.length === 0) return this.#send(text, along);
    const [refused] = this.#takesFiles ? await this.#intake.add(files) : ["This chat takes no files: it has no `attachments`."];
    if (refused !== undefined) {
      this.dispatchEvent(new ChanlErrorEvent({ code: "bad_request", message: refused, retryable: false }));
      return null;
    }
    const { parts } = this.#intake;
    this.#intake.clear();
    return this.#send(text, [...along, ...parts]);
  }

  async #send(text: string, along: readonly ContextPart[]): Promise<ChatMessage | null> {
    const { session } = this;
    if ((text.trim() === "" && along.length === 0) || this.disabled) return null;
    if (!session) {
      this.dispatchEvent(
        new ChanlErrorEvent({ code: "bad_request", message: "<chanl-chat> has neither an endpoint nor a session.", retryable: false }),
      );
      return null;
    }
    if (this.maxLength > 0 && text.length > this.maxLength) {
      const message = `${whole(text.length, this.#locale)} / ${whole(this.maxLength, this.#locale)}`;
      this.#conversation?.alert(`${this.#t("composer.label")}: ${message}`);
      this.dispatchEvent(new ChanlErrorEvent({ code: "bad_request", message: `The message is too long: ${message}`, retryable: false }));
      return null;
    }
    const { conversationId, isStreaming } = session.getSnapshot();
    if (isStreaming || this.#connection.isOffline) {
      if (!this.#composer.queued && (this.whileStreaming === "queue" || !isStreaming)) this.#composer.queue({ text, along });
      return null;
    }
    if (!this.dispatchEvent(new ChanlBeforeSendEvent({ conversationId, length: text.length, ...this.#content(text) }))) return null;
    const answered = session.send(text, along);
    const sent = this.messages.findLast(({ role }) => role === "user");
    this.#sessions.remember();
    this.#asked();
    this.#returned = null;
    this.dispatchEvent(new ChanlSendEvent({ conversationId, messageId: sent?.id ?? "", length: text.length, ...this.#content(text) }));
    const answer = await answered;
    if (answer?.status === "error" && answer.streamId === undefined && !this.#composer.hasText) {
      this.#returned = text;
      this.#composer.set(text);
      if (!this.#intake.hasFiles) this.#intake.putBack(along);
    }
    return answer;
  }

  /** Ends the running answer; what came of it is kept. */
  async stop(): Promise<void> {
    const { session } = this;
    if (!session?.getSnapshot().isStreaming) return;
    const messageId = this.messages.findLast(({ role }) => role === "assistant")?.id ?? null;
    const stopped = session.stop();
    this.requestUpdate();
    this.dispatchEvent(new ChanlStopEvent({ messageId }));
    await stopped;
  }

  /** Asks the last question again. */
  async retry(): Promise<ChatMessage | null> {
    if (this.#returned !== null && this.#composer.text === this.#returned) {
      this.#composer.set("");
      this.#intake.clear();
    }
    this.#returned = null;
    return this.#again((session) => session.retry());
  }

  /** Picks an interrupted answer up where it stopped; asks again where that is no longer possible. */
  async continue(): Promise<ChatMessage | null> {
    return this.#again(async (session) => (await session.continue()) ?? session.retry());
  }

  /** Asks for another answer, to the last question or in place of the one named; the one that is there is kept as another version. */
  regenerate(messageId?: string): Promise<ChatMessage | null> {
    return this.#again((session) => regenerate(session, messageId));
  }

  /** Asks a question of the past anew, in other words. What followed from it is kept as another version; what went along goes along again, unless parts say otherwise. */
  edit(messageId: string, asked: Question): Promise<ChatMessage | null> {
    return this.#again((session) => editMessage(session, messageId, asked));
  }

  /** Shows another version of the conversation from a message on. @param index from 0 */
  selectBranch(messageId: string, index: number): void {
    if (this.session) selectVersion(this.session, messageId, index);
  }

  /** Allows a tool call that waits for the visitor. @param options `arguments`: in place of what the model asked for */
  approve(toolCallId: string, options: { arguments?: JsonValue } = {}): Promise<boolean> {
    return this.#decide(toolCallId, { approved: true, ...options });
  }

  /** Does not allow it. @param reason for the model */
  reject(toolCallId: string, reason?: string): Promise<boolean> {
    return this.#decide(toolCallId, { approved: false, reason });
  }

  /** Loads what an answer needs, ahead of the first question. It comes by itself once a visitor is near the composer. */
  async preload(): Promise<void> {
    await this.#lazy.load("conversation");
    await this.updateComplete;
  }

  /** The conversation as a text: JSON with everything in it, or Markdown to read. */
  async export(format: "json" | "markdown" = "markdown"): Promise<string> {
    const part = await this.#lazy.load("export");
    if (!part) throw new Error("The part of the widget that exports could not be loaded.");
    return part.exportConversation(this.messages, format, { you: this.#t("msg.you"), bot: this.#t("msg.bot", { name: this.#name }) });
  }

  /** Shows another conversation of the same storage. */
  async loadConversation(conversationId: string): Promise<void> {
    this.conversationId = conversationId;
    await this.updateComplete;
  }

  /** Empties the conversation and everything this element has stored of it. */
  clear(): void {
    this.#composer.set("");
    this.#intake.clear();
    this.#drafts.flush();
    this.newConversation();
  }

  /** Forgets the conversation and starts an empty one. A focus that is in the chat goes to the composer; one in the page stays there. */
  newConversation(): void {
    if (this.shadowRoot?.activeElement) this.#focusComposer();
    this.#composer.takeQueued();
    this.#sessions.newConversation();
  }

  /** Opens the panel of a floating chat and moves the focus into it. */
  async show(): Promise<void> {
    if (this.open || this.mode !== "floating") return;
    if (!this.dispatchEvent(new ChanlShowEvent())) return;
    this.#panel.rememberOpener(document);
    this.open = true;
    await this.updateComplete;
    this.#panel.focusIn(isTouch());
    await this.#panel.settled();
  }

  /** Closes the panel of a floating chat and gives the focus back. */
  async hide(): Promise<void> {
    if (!this.open || this.mode !== "floating") return;
    if (!this.dispatchEvent(new ChanlHideEvent())) return;
    const hadFocus = this.shadowRoot?.activeElement !== null;
    this.open = false;
    await this.updateComplete;
    if (hadFocus) this.#panel.focusOut();
    await this.#panel.settled();
  }

  /** Closes the floating chat when it is open, else opens it. */
  toggle(): Promise<void> {
    return this.open ? this.hide() : this.show();
  }

  /** Moves the focus to the composer, or to the launcher of a closed floating chat. */
  override focus(options?: FocusOptions): void {
    const closed = this.mode === "floating" && !this.open;
    const target = closed ? this.renderRoot.querySelector<HTMLElement>(".launch") : this.#input.value;
    target?.focus(options);
  }

  /** Goes to the end of the conversation and follows it from there. */
  scrollToEnd(): void {
    this.#anchor.pin();
  }

  /** Puts text into the composer. */
  setDraft(text: string): void {
    this.#composer.set(text);
  }

  /** @internal */
  sessionConfig(): SessionConfig {
    const { endpoint, agentId, transport, protocol, conversationId, headers, getToken, fetch, tools } = this;
    return {
      endpoint,
      agentId,
      transport,
      protocol,
      conversationId,
      headers,
      getToken,
      fetch,
      tools,
      storage: () => this.#storageArea(),
      isIndexed: this.storage === "indexeddb",
    };
  }

  /** @internal */
  chunkApplied(chunk: TransportChunk, message: ChatMessage): boolean {
    return this.#conversation?.push(chunk, message) ?? false;
  }

  /** @internal */
  conversationChanged(): void {
    this.#conversation?.forget();
    this.#history.reset();
    this.#restoredSeen = false;
    this.#watch.reset();
    this.#drafts.flush();
    const { conversationId } = this.#sessions.snapshot;
    // What was typed before there was a session belongs to the first one.
    if (this.#conversationShown !== "" || !this.#composer.hasText) this.#composer.set(this.#drafts.load(conversationId));
    else this.#drafts.save(conversationId, this.#composer.text);
    this.#conversationShown = conversationId;
    if (this.#submitWaits) queueMicrotask(() => void this.#submit());
    this.#anchor.pin();
    this.requestUpdate();
    if (this.hasUpdated) this.dispatchEvent(new ChanlConversationChangeEvent({ conversationId }));
  }

  /** `lang` is the platform's own attribute: what it says decides the words. */
  static override get observedAttributes(): string[] {
    return [...super.observedAttributes, "lang"];
  }

  override attributeChangedCallback(name: string, before: string | null, value: string | null): void {
    super.attributeChangedCallback(name, before, value);
    if (name === "lang") this.requestUpdate();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#panel.connect();
    this.#connection.connect();
    this.#setHotkey();
    void this.#focusAgain();
    addEventListener("pagehide", this.#keepDraft);
    document.addEventListener("visibilitychange", this.#keepDraft);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#panel.disconnect();
    this.#connection.disconnect();
    this.#hotkey.disconnect();
    this.#conversation?.leave();
    this.#dictation?.stop();
    this.#anchor.disconnect();
    this.#history.disconnect();
    this.#drafts.flush();
    removeEventListener("pagehide", this.#keepDraft);
    document.removeEventListener("visibilitychange", this.#keepDraft);
  }

  protected override createRenderRoot(): HTMLElement | DocumentFragment {
    const root = super.createRenderRoot();
    this.#sheet.adopt(root as ShadowRoot);
    root.addEventListener("focusin", ({ target }) => (this.#focused = target as HTMLElement));
    // Chromium tells it before the element leaves the document: only later is it known why.
    root.addEventListener("focusout", () => queueMicrotask(() => this.isConnected && this.#forgetFocus()));
    return root;
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    this.#language.choose(this, this.strings);
    if (changed.has("accent")) {
      for (const name of ["--chanl-accent", "--chanl-on-accent", "--chanl-accent-text"]) this.#sheet.set(name, null);
      for (const [name, value] of accentProperties(this.accent)) this.#sheet.set(name, value);
    }
    if (changed.has("hotkey")) this.#setHotkey();
    if (this.open) this.#setUnread(0);
  }

  protected override render(): TemplateResult {
    const { mode, open, position } = this;
    if (mode !== "floating") {
      const look = mode === "inline" ? "inline" : "bare";
      return html`<section
        class="root panel ${look}"
        part="panel"
        aria-labelledby="title"
        @keydown=${this.#onKeyDown}
        @focusin=${this.#onNear}
        @pointerenter=${this.#onNear}
        @dragenter=${this.#intake.onDrag}
        @dragover=${this.#intake.onDrag}
        @dragleave=${this.#intake.onDrag}
        @drop=${this.#intake.onDrag}
      >
        ${this.#bodyView()}
      </section>`;
    }
    const atStart = position === "start";
    const paged = this.layer === "page";
    return html`
      ${
        this.launcher === "none"
          ? nothing
          : launcherView({
              t: this.#t,
              look: this.launcher,
              label: this.launcherLabel,
              open,
              unread: this.#unread,
              atStart,
              paged,
              onToggle: () => void this.toggle(),
            })
      }
      <dialog
        class="root panel float ${atStart ? "at-start" : ""} ${paged ? "paged" : ""} ${this.launcher === "none" ? "no-launcher" : ""} ${this.#expanded ? "expanded" : ""}"
        id="panel"
        part="panel"
        popover=${paged ? nothing : "manual"}
        aria-labelledby="title"
        @keydown=${this.#onKeyDown}
        @focusin=${this.#onNear}
        @pointerenter=${this.#onNear}
        @dragenter=${this.#intake.onDrag}
        @dragover=${this.#intake.onDrag}
        @dragleave=${this.#intake.onDrag}
        @drop=${this.#intake.onDrag}
        @cancel=${this.#onDialogCancel}
        @close=${this.#onDialogClose}
      >
        ${this.#bodyView()}
      </dialog>
    `;
  }

  protected override updated(changed: PropertyValues<this>): void {
    const snapshot = this.#sessions.snapshot;
    if (this.mode === "floating") {
      this.#panel.sync(this.open);
      if (changed.has("open") && (this.open || changed.get("open"))) {
        void this.#panel.settled().then(() => this.dispatchEvent(this.open ? new ChanlAfterShowEvent() : new ChanlAfterHideEvent()));
      }
    }
    this.#composer.adopt();
    this.#anchor.observe(this.#scroller.value ?? null, this.#column.value ?? null);
    this.#anchor.putBack();
    // Not with the next frame: who scrolls before it would be somewhere else.
    if (this.#extended) this.#anchor.followNow();
    // At its end nobody looks at the oldest, however near that is.
    this.#history.observe(this.#scroller.value ?? null, this.#anchor.pinned ? null : (this.#sentinel.value ?? null), this.#extended);
    this.#extended = false;
    if (this.#conversation) this.#history.fill();
    this.#conversation?.rendered(this.renderRoot, this.#polite.value ?? null, this.#assertive.value ?? null);
    this.#watch.see(snapshot);
    this.#exposeStates(snapshot);
  }

  get #t(): Translate {
    return this.#language.t;
  }

  get #locale(): string {
    return this.#language.locale;
  }

  /** How much is written of how much may be, once that is near. */
  get #count(): string {
    const { length } = this.#composer.text;
    if (this.maxLength <= 0 || length < this.maxLength * 0.8) return "";
    return `${whole(length, this.#locale)} / ${whole(this.maxLength, this.#locale)}`;
  }

  /** A session of the owner's that has no `context` could not carry them to the model. */
  get #takesFiles(): boolean {
    return this.attachments && !this.disabled && (this.session?.carriesContext ?? true);
  }

  get #name(): string {
    return this.name || this.#t("chat.title");
  }

  #bodyView(): TemplateResult {
    const t = this.#t;
    const snapshot = this.#sessions.snapshot;
    const floating = this.mode === "floating";
    const shown = this.#history.visible(snapshot.messages, this.#anchor.pinned);
    return html`
      ${headerView({
        t,
        name: this.#name,
        subtitle: this.subtitle,
        reconnecting: this.#connection.isReconnecting,
        level: Math.max(1, this.headingLevel - 1),
        expanded: this.#expanded,
        canExpand: floating && !this.#panel.fillsViewport,
        canClose: floating,
        onNew: () => this.#startNew(),
        onExpand: () => {
          this.#expanded = !this.#expanded;
          this.requestUpdate();
        },
        onClose: () => void this.hide(),
      })}
      ${logView({
        t,
        scroller: this.#scroller,
        column: this.#column,
        sentinel: this.#sentinel,
        earlier: this.#history.isFilling ? 0 : snapshot.messages.length - shown.length,
        content: snapshot.messages.length === 0 ? this.#emptyView() : this.#conversationView(shown),
        onEarlier: () => this.#onEarlier(),
        onClick: this.#onLogClick,
      })}
      <div class="dock" part="dock">
        ${jumpView({
          t,
          visible: this.#anchor.canJump,
          unread: this.#anchor.unread,
          asks: snapshot.state === "awaiting-approval",
          onJump: () => this.#onJump(),
        })}
        <div class="in">
          ${noticeView({
            t,
            locale: this.#locale,
            snapshot,
            reconnecting: this.#connection.isReconnecting,
            offline: this.#connection.isOffline,
            restoredSeen: this.#restoredSeen,
            onNew: () => this.#startNew(),
          })}
          ${composerView({
            t,
            composer: this.#composer,
            input: this.#input,
            placeholder: this.placeholder,
            disclaimer: this.disclaimer ?? t("disclaimer"),
            streaming: snapshot.isStreaming,
            canSend: !this.disabled && (this.#composer.hasText || this.#intake.hasFiles),
            count: (this.#countShown = this.#count),
            isTooLong: this.maxLength > 0 && this.#composer.text.length > this.maxLength,
            files: this.#intake.view(),
            speech: this.#speech(),
            onAttach: this.#takesFiles ? this.#intake.choose : null,
            onPaste: this.#intake.onPaste,
            offline: this.#connection.isOffline,
            disabled: this.disabled,
            touch: isTouch(),
            onButton: () => this.#onSendButton(),
            onUnqueue: () => {
              this.#giveBack(this.#takeQueued());
              this.#focusComposer();
            },
          })}
          <slot name="footer"></slot>
        </div>
      </div>
      ${this.#intake.veil()}
      <div class="vh" aria-live="polite" aria-relevant="additions" data-announcer="polite" ${ref(this.#polite)}></div>
      <div class="vh" aria-live="assertive" aria-relevant="additions" data-announcer="assertive" ${ref(this.#assertive)}></div>
    `;
  }

  #speech(): ComposerView["speech"] {
    const part = this.speechInput ? this.#lazy.get("dictation") : null;
    if (!part?.canListen()) return null;
    const speech = (this.#dictation ??= new part.Dictation());
    speech.follow(this.#composer.text);
    return {
      on: speech.isOn,
      failure: speech.failure,
      toggle: () =>
        speech.toggle({
          locale: this.#locale,
          text: () => this.#composer.text,
          setText: (text) => this.#composer.set(text),
          changed: () => this.requestUpdate(),
        }),
    };
  }

  readonly #conversationHost: ConversationHost = {
    page: this,
    lazy: this.#lazy,
    look: () => ({
      t: this.#t,
      locale: this.#locale,
      name: this.#name,
      headingLevel: this.headingLevel,
      showMetrics: this.showMetrics,
      feedback: this.feedback,
      readAloud: this.readAloud,
      math: this.math,
      allowImageHosts: this.allowImageHosts,
      renderers: this.renderers,
      announce: this.announce,
      isAway: document.visibilityState === "hidden" || (this.mode === "floating" && !this.open),
    }),
    session: () => this.session,
    snapshot: () => this.#sessions.snapshot,
    emit: (event) => this.dispatchEvent(event),
    changed: () => this.requestUpdate(),
    follow: () => this.#anchor.followNow(),
    release: () => this.#anchor.release(),
    focusComposer: () => this.#focusComposer(),
    ask: (how) => this.#run(() => this[how]()),
    edit: (messageId, text) => void this.edit(messageId, text),
    startNew: () => this.#startNew(),
    decide: (toolCallId, approved, changed) =>
      this.#run(() => this.#decide(toolCallId, { approved, ...(changed === undefined ? {} : { arguments: changed }) })),
  };

  #emptyView(): TemplateResult {
    return emptyStateView({
      t: this.#t,
      greeting: this.greeting,
      level: this.headingLevel,
      starters: this.starters,
      onStart: (text) => this.#run(() => this.send(text)),
    });
  }

  #conversationView(shown: readonly ChatMessage[]): unknown {
    const t = this.#t;
    if (this.#conversation) return this.#conversation.view(shown);
    void this.#lazy.load("conversation");
    if (!this.#lazy.failed.has("conversation")) return loadingView(t);
    return bannerView({
      kind: "bad",
      title: t("err.generic"),
      text: t("err.notLoaded"),
      actions: [{ label: t("err.retry"), icon: icons.regenerate(), run: () => this.#lazy.retry("conversation") }],
    });
  }

  #exposeStates(snapshot: SessionSnapshot): void {
    const states = this.#internals?.states;
    if (!states) return;
    const now: Record<string, boolean> = {
      streaming: snapshot.isStreaming,
      reconnecting: snapshot.reconnect !== null,
      interrupted: snapshot.state === "interrupted",
      "awaiting-approval": snapshot.state === "awaiting-approval",
      empty: snapshot.messages.length === 0,
      open: this.open,
    };
    for (const [state, on] of Object.entries(now))
      if (on) states.add(state);
      else states.delete(state);
  }

  async #submit(): Promise<void> {
    if (this.#intake.isReading) await this.#intake.settled;
    const { text, queued } = this.#composer;
    const along = this.#intake.parts;
    if ((text.trim() === "" && along.length === 0) || queued) return;
    this.#submitWaits = !this.session;
    const before = this.messages.length;
    const settled = this.#send(text, along);
    const taken = this.messages.length > before || this.#composer.queued !== null;
    if (taken) {
      this.#composer.set("");
      this.#intake.clear();
    }
    await settled;
  }

  #again(ask: (session: ChatSession) => Promise<ChatMessage | null>): Promise<ChatMessage | null> {
    const { session } = this;
    if (!session) return Promise.resolve(null);
    const answered = ask(session);
    this.#asked();
    return answered;
  }

  #asked(): void {
    this.#sentAt = performance.now();
    this.#restoredSeen = true;
    this.#anchor.pin();
    this.requestUpdate();
    void this.#lazy
      .load("conversation")
      .then(() => this.updateComplete)
      .then(() => this.#anchor.ask(this.scrollMode));
  }

  #content(text: string): { text?: string } {
    return this.events === "content" ? { text } : {};
  }

  /** An action whose button goes away with what it does: the focus goes to the composer, never to the page. */
  #run(action: () => Promise<unknown>): void {
    this.#focusComposer();
    void action();
  }

  #startNew(): void {
    this.newConversation();
    this.#focusComposer();
  }

  #focusComposer(): void {
    if (isTouch()) this.#scroller.value?.focus({ preventScroll: true });
    else this.#input.value?.focus({ preventScroll: true });
  }

  /** The message that waits, which waits no longer. The focus, where its button has it, would go with it. */
  #takeQueued(): QueuedMessage | null {
    if (this.renderRoot.querySelector(".queued :focus")) this.#focusComposer();
    return this.#composer.takeQueued();
  }

  #giveBack(queued: QueuedMessage | null): void {
    if (!queued) return;
    const { text } = this.#composer;
    this.#intake.putBack(queued.along);
    this.#composer.set([queued.text, text].filter(Boolean).join("\n"));
  }

  #onSendButton(): void {
    if (!this.session?.getSnapshot().isStreaming) void this.#submit();
    else if (performance.now() - this.#sentAt > STOP_GUARD_MS) void this.stop();
  }

  /** One page more above, and what is being read stays where it is. */
  #showEarlier(): number {
    const count = this.#history.extend(this.messages);
    if (count === 0) return 0;
    this.#anchor.hold();
    this.#extended = true;
    this.requestUpdate();
    return count;
  }

  /** By the button: the focus goes to the newest of what came, right above what was there. */
  async #onEarlier(): Promise<void> {
    this.#anchor.release();
    const before = this.#column.value?.querySelector('[role="article"]');
    const count = this.#showEarlier();
    if (count === 0) return;
    await this.updateComplete;
    (before?.previousElementSibling as HTMLElement | null)?.focus();
    this.#conversation?.announcer.notice(this.#t("log.earlierShown", { n: count }));
  }

  #onJump(): void {
    const asks = this.#sessions.snapshot.state === "awaiting-approval";
    this.#anchor.pin();
    if (!asks) return this.#focusComposer();
    this.renderRoot.querySelector<HTMLElement>('[part~="tool-needs-approval"] > button')?.focus();
  }

  /** Whoever comes here may ask: what an answer needs is there when it comes. */
  readonly #onNear = (): void => void this.#lazy.load("conversation");

  /** Escape does one thing per press: stop the answer, then close the panel. */
  readonly #onKeyDown = (event: KeyboardEvent): void => {
    if (event.isComposing || event.defaultPrevented) return;
    if (event.key === "ArrowUp" || event.key === "ArrowDown") return this.#onArrow(event);
    if (event.key === "Backspace" && event.target === this.#input.value && this.#composer.text === "" && this.#intake.removeLast()) return;
    if (event.key !== "Escape") return;
    if (this.session?.getSnapshot().isStreaming) {
      event.preventDefault();
      event.stopPropagation();
      void this.stop();
    } else if (this.mode === "floating") {
      event.preventDefault();
      event.stopPropagation();
      void this.hide();
    }
  };

  /** Alt with an arrow walks from message to message; ↑ in the empty composer changes the last question. */
  #onArrow(event: KeyboardEvent): void {
    const up = event.key === "ArrowUp";
    if (event.altKey && !event.ctrlKey && !event.metaKey) {
      const messages = [...this.renderRoot.querySelectorAll<HTMLElement>('[role="article"]')];
      const at = messages.findIndex((message) => message.matches(":focus-within"));
      const next = at === -1 ? (up ? messages.at(-1) : undefined) : messages[at + (up ? -1 : 1)];
      event.preventDefault();
      if (next) {
        if (up) this.#anchor.release();
        next.focus();
      } else if (!up) this.#focusComposer();
    } else if (up && event.target === this.#input.value && this.#composer.text === "" && !event.shiftKey) {
      const last = this.messages.findLast(({ role }) => role === "user");
      if (!last || this.#sessions.snapshot.isStreaming) return;
      event.preventDefault();
      this.#conversation?.edit(last.id);
    }
  }

  #forgetFocus(): void {
    if (!this.shadowRoot?.activeElement) this.#focused = null;
  }

  /** It was moved in the document: what had the focus gets it back, unless something else has it now. */
  async #focusAgain(): Promise<void> {
    const focused = this.#focused;
    if (!focused) return;
    await this.updateComplete;
    if (document.activeElement === document.body) focused.focus({ preventScroll: true });
  }

  #setHotkey(): void {
    if (!this.isConnected || this.#hotkey.set(this.hotkey)) return;
    const message = `hotkey="${this.hotkey}" is no shortcut. It takes Ctrl, Alt, Meta or mod before a key, such as "mod+k", or a function key.`;
    this.dispatchEvent(new ChanlErrorEvent({ code: "bad_request", message, retryable: false }));
  }

  #onHotkey(): void {
    if (this.mode === "floating") void this.toggle();
    else this.#focusComposer();
  }

  async #decide(toolCallId: string, decision: { approved: boolean; arguments?: JsonValue; reason?: string | undefined }): Promise<boolean> {
    try {
      const heard = (await this.session?.respondToApproval(toolCallId, decision)) ?? false;
      if (heard) this.dispatchEvent(new ChanlApprovalEvent({ toolCallId, approved: decision.approved }));
      return heard;
    } catch (error) {
      // The call goes on waiting, with its buttons.
      if (!(error instanceof ChatError)) throw error;
      const { code, message, retryable } = error;
      this.dispatchEvent(new ChanlErrorEvent({ code, message, retryable }));
      this.#conversation?.alert(message);
      return false;
    }
  }

  #onApprovalRequest({ id }: ChatMessage, toolCallId: string, name: string): void {
    if (!this.dispatchEvent(new ChanlApprovalRequestEvent({ messageId: id, toolCallId, name }))) return;
    this.#conversation?.asks(name);
  }

  readonly #onLogClick = (event: Event): void => {
    const link = event.composedPath().find((target): target is HTMLAnchorElement => target instanceof HTMLAnchorElement);
    if (link && !this.dispatchEvent(new ChanlLinkClickEvent({ href: link.href }))) event.preventDefault();
  };

  /** A back gesture closes a full-screen dialog without a key. */
  readonly #onDialogCancel = (event: Event): void => {
    event.preventDefault();
    void this.hide();
  };

  readonly #onDialogClose = (): void => {
    const dialog = this.renderRoot.querySelector("dialog");
    if (this.open && dialog && !isShown(dialog)) this.open = false;
  };

  #onAnswerEnded(answer: ChatMessage): void {
    this.#conversation?.ended(answer);
    const isFailed = answer.status === "error" || answer.status === "interrupted";
    if (this.mode === "floating" && !this.open && answer.status === "complete") this.#setUnread(this.#unread + 1);
    if (isFailed) this.#giveBack(this.#takeQueued());
    else this.#sendQueued();
  }

  #sendQueued(): void {
    const queued = this.#connection.isOffline ? null : this.#takeQueued();
    if (!queued) return;
    const before = this.messages.length;
    void this.#send(queued.text, queued.along);
    // The page may have said no, or switched the chat off meanwhile.
    if (this.messages.length === before && !this.#composer.queued) this.#giveBack(queued);
  }

  /** What waited for the network goes out; what failed for want of it is asked again. */
  #onOnline(): void {
    this.#conversation?.announcer.notice(this.#t("net.back"));
    const { isStreaming, messages } = this.#sessions.snapshot;
    if (isStreaming) return;
    const last = messages.at(-1);
    if (this.#composer.queued) this.#sendQueued();
    else if (last?.status === "error" && last.error?.code === "network") void this.retry();
    else if (last?.status === "interrupted") void this.continue();
  }

  #setUnread(count: number): void {
    if (count === this.#unread) return;
    this.#unread = count;
    this.requestUpdate();
    this.dispatchEvent(new ChanlUnreadEvent({ count }));
  }

  #partLoaded(added: readonly CSSResult[]): void {
    const root = this.renderRoot;
    if (root instanceof ShadowRoot) {
      const sheets = added.flatMap(({ styleSheet }) => styleSheet ?? []);
      // The visitor's preferences stay last: they win.
      root.adoptedStyleSheets = [...sheets, ...root.adoptedStyleSheets.filter((sheet) => !sheets.includes(sheet))];
    }
    const part = this.#conversation ? null : this.#lazy.get("conversation");
    if (part) this.#begin(new part.Conversation(this.#conversationHost));
    this.requestUpdate();
  }

  #begin(conversation: Conversation): void {
    this.#conversation = conversation;
    // An answer may be on its way already.
    if (this.#sessions.snapshot.isStreaming) {
      conversation.announcer.began();
      conversation.announcer.streams();
    }
  }

  #failPart(name: string): void {
    const message = `The part "${name}" of the widget could not be loaded. Is the folder "chunks" beside its script?`;
    this.dispatchEvent(new ChanlErrorEvent({ code: "network", message, retryable: true }));
  }

  readonly #keepDraft = (event: Event): void => {
    if (event.type === "pagehide" || document.visibilityState === "hidden") this.#drafts.flush();
  };

  #storageArea(): Storage | null {
    if (this.storage === "none") return null;
    return this.storage === "session" ? sessionStorage : localStorage;
  }
}

const isTouch = (): boolean => matchMedia("(pointer: coarse)").matches;

declare global {
  interface HTMLElementTagNameMap {
    "chanl-chat": ChanlChat;
  }
}
