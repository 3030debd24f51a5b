import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { property } from "lit/decorators.js";
import { guard } from "lit/directives/guard.js";
import { createRef, ref } from "lit/directives/ref.js";
import { repeat } from "lit/directives/repeat.js";

import type { TokenRendererOptions } from "../shared/render/token-renderer.ts";
import type { ChatSession, ClientTool, SessionSnapshot, SessionState } from "../shared/session/chat-session.ts";
import { type ChatMessage, messageText } from "../shared/session/message.ts";
import type { HeadersSource, TransportChunk } from "../shared/transport/transport.ts";
import { styles } from "./chanl-chat.styles.ts";
import { Announcer, type AnnounceMode } from "./controllers/announcer.ts";
import { AnswerText } from "./controllers/answer-text.ts";
import { AnswerWatch } from "./controllers/answer-watch.ts";
import { copyText } from "./controllers/clipboard.ts";
import { Composer } from "./controllers/composer.ts";
import { Disclosures } from "./controllers/disclosures.ts";
import { Drafts } from "./controllers/drafts.ts";
import { HistoryWindow } from "./controllers/history-window.ts";
import { PanelController } from "./controllers/panel.ts";
import { ScrollAnchor } from "./controllers/scroll-anchor.ts";
import { type SessionConfig, SessionController, type SessionControllerHost, type TransportName } from "./controllers/session-controller.ts";
import {
  ChanlAfterHideEvent,
  ChanlAfterShowEvent,
  ChanlBeforeSendEvent,
  ChanlCopyEvent,
  ChanlErrorEvent,
  ChanlHideEvent,
  ChanlSendEvent,
  ChanlShowEvent,
  ChanlStopEvent,
} from "./events.ts";
import { createTranslate, type Strings, type Translate } from "./strings.ts";
import { accentProperties } from "./theme/accent.ts";
import { LiveSheet } from "./theme/live-sheet.ts";
import { busyBannerView } from "./views/banner.ts";
import { composerView } from "./views/composer.ts";
import { emptyStateView } from "./views/empty-state.ts";
import { headerView } from "./views/header.ts";
import { launcherView } from "./views/launcher.ts";
import { jumpView, logView } from "./views/log.ts";
import { type MessageContext, messageView } from "./views/message.ts";

export type * from "./events.ts";
export type { Strings } from "./strings.ts";

export type ChatMode = "inline" | "floating" | "fullscreen" | "panel";

/** A double click on Send must not stop what it sent. */
const STOP_GUARD_MS = 400;
/** A reconnect that is over sooner is not worth a banner. */
const RECONNECT_BANNER_AFTER_MS = 1_000;
const COPIED_FOR_MS = 2_000;

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
 *
 * @csspart panel - the frame of the chat
 * @csspart header - the header
 * @csspart avatar - the picture in the header
 * @csspart title - the assistant's name
 * @csspart subtitle - the line below it
 * @csspart log - the scrolling conversation
 * @csspart empty - what an empty conversation shows
 * @csspart starter - a suggested question
 * @csspart message - a message
 * @csspart message-user - a message of the visitor's
 * @csspart message-assistant - an answer
 * @csspart bubble - the visitor's words
 * @csspart context - what was sent along with them
 * @csspart content - a piece of an answer's text
 * @csspart reasoning - the model's thinking
 * @csspart tool - a tool call; also `tool-` and its state
 * @csspart sources - the sources of an answer
 * @csspart actions - the actions of an answer
 * @csspart action - one of them
 * @csspart metrics - the figures of an answer
 * @csspart banner - a notice; also `banner-bad`, `banner-warn`, `banner-info`
 * @csspart dock - what stands below the log
 * @csspart queued - the message that waits for the end of an answer
 * @csspart composer - the form
 * @csspart input - the text field
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
 * @cssproperty [--chanl-content-width=720px] - widest line of messages
 * @cssproperty [--chanl-panel-width=400px] - width of a floating panel
 * @cssproperty --chanl-panel-height - height of a floating panel (680px) and of an inline chat (640px)
 * @cssproperty [--chanl-launcher-size=56px] - size of the launcher
 * @cssproperty [--chanl-offset-x=20px] - distance of launcher and panel from the side
 * @cssproperty [--chanl-offset-y=20px] - distance of launcher and panel from the bottom
 * @cssproperty [--chanl-z-index=2147483000] - stacking of `mode="fullscreen"`; a floating chat is in the top layer
 *
 * @cssstate streaming - an answer is on its way
 * @cssstate reconnecting - its connection was cut
 * @cssstate interrupted - it could not be picked up
 * @cssstate empty - nothing was said yet
 * @cssstate open - the panel of a floating chat is open
 */
export class ChanlChat extends LitElement implements SessionControllerHost {
  static override styles = styles;

  /** Base of the chat API, such as `/api/chat`. */
  @property() endpoint = "";
  /** Which agent answers. */
  @property({ attribute: "agent-id" }) agentId = "";
  /** How answers travel. */
  @property() transport: TransportName = "auto";
  /** Where the chat stands: in the flow of the page, floating over it, over all of it, or filling a panel. */
  @property({ reflect: true, useDefault: true }) mode: ChatMode = "inline";
  /** Whether the panel of a floating chat is open. */
  @property({ type: Boolean, reflect: true }) open = false;
  /** Which side a floating chat stands on. */
  @property() position: "end" | "start" = "end";
  /** `auto` follows the page, `system` the operating system. */
  @property({ reflect: true, useDefault: true }) theme: "auto" | "light" | "dark" | "system" = "auto";
  /** One colour as `#rrggbb`; what is on and in it is made readable. */
  @property() accent = "";
  /** The assistant's name. */
  @property() name = "";
  @property() subtitle = "";
  /** Headline of an empty conversation. */
  @property() greeting = "";
  @property() placeholder = "";
  /** The line under the composer; an empty attribute removes it. */
  @property() disclaimer: string | null = null;
  /** Level of the messages' headings; the title is one above. */
  @property({ attribute: "heading-level", type: Number }) headingLevel = 3;
  @property() launcher: "icon" | "pill" | "none" = "icon";
  @property({ attribute: "launcher-label" }) launcherLabel = "";
  /** Shows time to first token and rate below each answer. */
  @property({ attribute: "show-metrics", type: Boolean }) showMetrics = false;
  /** What a screen reader hears of an answer. */
  @property() announce: AnnounceMode = "sentences";
  /** `mod-enter`: Ctrl or ⌘ with Enter sends, Enter alone makes a new line. */
  @property({ attribute: "submit-key" }) submitKey: "enter" | "mod-enter" = "enter";
  /** Where the conversation and the draft survive a reload. */
  @property() storage: "none" | "session" | "local" = "session";
  @property({ attribute: "conversation-id" }) conversationId = "";
  /** Suggested questions; as an attribute, divided by `|`. */
  @property({ converter: { fromAttribute: (value: string | null) => splitStarters(value) } }) starters: readonly string[] = [];

  /** Sent with every request; a function is asked each time. */
  @property({ attribute: false }) headers: HeadersSource | undefined;
  /** Asked before each request; its token is sent as `Authorization: Bearer`. */
  @property({ attribute: false }) getToken: (() => string | null | Promise<string | null>) | undefined;
  /** In place of the page's `fetch`. */
  @property({ attribute: false }) fetch: typeof globalThis.fetch | undefined;
  /** Tools that run in the page: name → description, JSON Schema, function. */
  @property({ attribute: false }) tools: Record<string, ClientTool> | undefined;
  /** Words in place of the widget's own. */
  @property({ attribute: false }) strings: Partial<Strings> = {};

  readonly #internals = typeof this.attachInternals === "function" ? this.attachInternals() : null;
  readonly #sheet = new LiveSheet();
  readonly #sessions = new SessionController(this);
  readonly #drafts = new Drafts(() => this.#storageArea());
  readonly #disclosures = new Disclosures(() => {
    this.#anchor.release();
    this.requestUpdate();
  });
  readonly #anchor = new ScrollAnchor(() => this.requestUpdate());
  readonly #history = new HistoryWindow(() => this.#showEarlier());
  readonly #answerText = new AnswerText(() => this.#rendererOptions());
  readonly #announcer = new Announcer(() => ({
    t: this.#t,
    name: this.#name,
    mode: this.announce,
    away: document.visibilityState === "hidden" || (this.mode === "floating" && !this.open),
    answer: () => this.#answerText.elements(this.messages.findLast(({ role }) => role === "assistant")?.id ?? ""),
  }));
  readonly #watch = new AnswerWatch({
    began: () => this.#announcer.began(),
    streams: () => this.#announcer.streams(),
    ended: (answer) => this.#onAnswerEnded(answer),
    reconnecting: (since) => this.#onReconnecting(since),
  });
  readonly #composer = new Composer({
    textarea: () => this.#input.value ?? null,
    submitKey: () => this.submitKey,
    isTouch: () => isTouch(),
    changed: () => this.requestUpdate(),
    edited: (text) => this.#drafts.save(this.#sessions.snapshot.conversationId, text),
    submit: () => void this.#submit(),
  });
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

  #t: Translate = createTranslate();
  #expanded = false;
  #unread = 0;
  #copied: string | null = null;
  #sentAt = Number.NEGATIVE_INFINITY;
  /** A page of earlier messages is in this render. */
  #extended = false;
  #reconnectShown = false;
  #reconnectTimer: ReturnType<typeof setTimeout> | undefined;
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

  get state(): SessionState {
    return this.#sessions.snapshot.state;
  }

  /** Figures of the last answer, live while it streams. */
  get metrics(): { ttft: number | null; tokensPerSecond: number | null } {
    const { ttft, tokensPerSecond } = this.#sessions.snapshot;
    return { ttft, tokensPerSecond };
  }

  /** Asks. Settles with the ended answer, or with `null` when nothing was sent. While an answer runs, the message waits for its end. */
  async send(text: string): Promise<ChatMessage | null> {
    const { session } = this;
    if (text.trim() === "") return null;
    if (!session) {
      this.dispatchEvent(
        new ChanlErrorEvent({ code: "bad_request", message: "<chanl-chat> has neither an endpoint nor a session.", retryable: false }),
      );
      return null;
    }
    const { conversationId, isStreaming } = session.getSnapshot();
    if (isStreaming) {
      if (this.#composer.queued === null) this.#composer.queue(text);
      return null;
    }
    if (!this.dispatchEvent(new ChanlBeforeSendEvent({ conversationId, length: text.length }))) return null;
    const answered = session.send(text);
    const sent = this.messages.findLast(({ role }) => role === "user");
    this.#sessions.remember();
    this.#sentAt = performance.now();
    this.#returned = null;
    this.#anchor.pin();
    this.requestUpdate();
    this.dispatchEvent(new ChanlSendEvent({ conversationId, messageId: sent?.id ?? "", length: text.length }));
    const answer = await answered;
    if (answer?.status === "error" && answer.streamId === undefined && !this.#composer.hasText) {
      this.#returned = text;
      this.#composer.set(text);
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
    if (this.#returned !== null && this.#composer.text === this.#returned) this.#composer.set("");
    this.#returned = null;
    return this.#again((session) => session.retry());
  }

  /** Picks an interrupted answer up where it stopped; asks again where that is no longer possible. */
  async continue(): Promise<ChatMessage | null> {
    return this.#again(async (session) => (await session.continue()) ?? session.retry());
  }

  /** Forgets the conversation and starts an empty one. */
  newConversation(): void {
    this.#composer.queue(null);
    this.#sessions.newConversation();
    this.#focusComposer();
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
    const { endpoint, agentId, transport, conversationId, headers, getToken, fetch, tools } = this;
    return { endpoint, agentId, transport, conversationId, headers, getToken, fetch, tools, storage: () => this.#storageArea() };
  }

  /** @internal */
  chunkApplied(chunk: TransportChunk, message: ChatMessage): boolean {
    return this.#answerText.push(chunk, message);
  }

  /** @internal */
  conversationChanged(): void {
    this.#answerText.forget();
    this.#disclosures.clear();
    this.#history.reset();
    this.#watch.reset();
    this.#announcer.dispose();
    this.#drafts.flush();
    const { conversationId } = this.#sessions.snapshot;
    this.#composer.set(this.#drafts.load(conversationId));
    this.#anchor.pin();
    this.requestUpdate();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#panel.connect();
    addEventListener("pagehide", this.#keepDraft);
    document.addEventListener("visibilitychange", this.#keepDraft);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#panel.disconnect();
    this.#anchor.disconnect();
    this.#history.disconnect();
    this.#drafts.flush();
    removeEventListener("pagehide", this.#keepDraft);
    document.removeEventListener("visibilitychange", this.#keepDraft);
  }

  protected override createRenderRoot(): HTMLElement | DocumentFragment {
    const root = super.createRenderRoot();
    this.#sheet.adopt(root as ShadowRoot);
    return root;
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("strings")) this.#t = createTranslate(this.strings);
    if (changed.has("accent")) {
      for (const name of ["--chanl-accent", "--chanl-on-accent", "--chanl-accent-text"]) this.#sheet.set(name, null);
      for (const [name, value] of accentProperties(this.accent)) this.#sheet.set(name, value);
    }
    if (this.open) this.#unread = 0;
  }

  protected override render(): TemplateResult {
    const { mode, open, position } = this;
    if (mode !== "floating") {
      const look = mode === "inline" ? "inline" : "bare";
      return html`<section class="root panel ${look}" part="panel" aria-labelledby="title" @keydown=${this.#onKeyDown}>
        ${this.#bodyView()}
      </section>`;
    }
    const atStart = position === "start";
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
              onToggle: () => void this.toggle(),
            })
      }
      <dialog
        class="root panel float ${atStart ? "at-start" : ""} ${this.launcher === "none" ? "no-launcher" : ""} ${this.#expanded ? "expanded" : ""}"
        id="panel"
        part="panel"
        popover="manual"
        aria-labelledby="title"
        @keydown=${this.#onKeyDown}
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
    // At its end nobody looks at the oldest, however near that is.
    this.#history.observe(this.#scroller.value ?? null, this.#anchor.pinned ? null : (this.#sentinel.value ?? null), this.#extended);
    this.#extended = false;
    this.#announcer.attach(this.#polite.value ?? null, this.#assertive.value ?? null);
    this.#answerText.sweep(this.renderRoot);
    this.#answerText.reachScrollers();
    this.#watch.see(snapshot);
    this.#exposeStates(snapshot);
  }

  get #name(): string {
    return this.name || this.#t("chat.title");
  }

  #bodyView(): TemplateResult {
    const t = this.#t;
    const snapshot = this.#sessions.snapshot;
    const floating = this.mode === "floating";
    const fills = this.#panel.fillsViewport;
    const shown = this.#history.visible(snapshot.messages, this.#anchor.pinned);
    return html`
      ${headerView({
        t,
        name: this.#name,
        subtitle: this.subtitle,
        reconnecting: this.#reconnectShown,
        level: Math.max(1, this.headingLevel - 1),
        expanded: this.#expanded,
        canExpand: floating && !fills,
        canClose: floating,
        onNew: () => this.newConversation(),
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
        earlier: snapshot.messages.length - shown.length,
        content: this.#messagesView(snapshot, shown),
        onEarlier: () => this.#onEarlier(),
        onCameIntoView: () => this.#answerText.reachScrollers(),
      })}
      <div class="dock" part="dock">
        ${jumpView({ t, visible: this.#anchor.canJump, unread: this.#anchor.unread, onJump: () => this.#onJump() })}
        <div class="in">
          ${
            this.#reconnectShown && snapshot.reconnect
              ? busyBannerView({
                  kind: "warn",
                  title: t("net.reconnecting"),
                  text: `${t("net.attempt", { i: snapshot.reconnect.attempt, n: snapshot.reconnect.maxAttempts })}. ${t("net.continues")}`,
                })
              : nothing
          }
          ${composerView({
            t,
            composer: this.#composer,
            input: this.#input,
            placeholder: this.placeholder,
            disclaimer: this.disclaimer ?? t("disclaimer"),
            streaming: snapshot.isStreaming,
            touch: isTouch(),
            onButton: () => this.#onSendButton(),
            onUnqueue: () => this.#unqueue(),
          })}
          <slot name="footer"></slot>
        </div>
      </div>
      <div class="vh" aria-live="polite" aria-relevant="additions" data-announcer="polite" ${ref(this.#polite)}></div>
      <div class="vh" aria-live="assertive" aria-relevant="additions" data-announcer="assertive" ${ref(this.#assertive)}></div>
    `;
  }

  #messagesView({ messages, isStreaming }: SessionSnapshot, shown: readonly ChatMessage[]): unknown {
    const t = this.#t;
    if (messages.length === 0) {
      return emptyStateView({
        t,
        greeting: this.greeting,
        level: this.headingLevel,
        starters: this.starters,
        onStart: (text) => {
          this.#focusComposer();
          void this.send(text);
        },
      });
    }
    const context: MessageContext = {
      t,
      locale: this.#locale,
      name: this.#name,
      level: this.headingLevel,
      showMetrics: this.showMetrics,
      answerText: this.#answerText,
      disclosures: this.#disclosures,
      base: document.baseURI,
      copied: this.#copied,
      onCopy: (message) => void this.#copy(message),
      onRetry: () => this.#run(() => this.retry()),
      onContinue: () => this.#run(() => this.continue()),
      onNew: () => this.newConversation(),
    };
    const { locale, name, level, showMetrics } = context;
    const from = messages.length - shown.length;
    return repeat(
      shown,
      (message) => message.id,
      (message, index) => {
        const at = from + index;
        const latest = !isStreaming && at === messages.length - 1;
        const copied = this.#copied === message.id;
        return guard([message, at, latest, copied, this.#disclosures.version, t, locale, name, level, showMetrics], () =>
          messageView({ message, at, latest }, context),
        );
      },
    );
  }

  get #locale(): string {
    return this.closest("[lang]")?.getAttribute("lang") ?? "";
  }

  #exposeStates(snapshot: SessionSnapshot): void {
    const states = this.#internals?.states;
    if (!states) return;
    const now: Record<string, boolean> = {
      streaming: snapshot.isStreaming,
      reconnecting: snapshot.reconnect !== null,
      interrupted: snapshot.state === "interrupted",
      empty: snapshot.messages.length === 0,
      open: this.open,
    };
    for (const [state, on] of Object.entries(now))
      if (on) states.add(state);
      else states.delete(state);
  }

  #rendererOptions(): TokenRendererOptions {
    const t = this.#t;
    return {
      headingBase: this.headingLevel + 1,
      caret: true,
      onFrame: () => this.#anchor.followNow(),
      labels: {
        copyCode: t("code.copy"),
        copied: t("act.copied"),
        code: t("code.plain"),
        codeBlock: t("code.label"),
        table: t("table.label"),
        image: t("image.load"),
        imageWithoutAlt: t("image.loadPlain"),
        taskDone: t("task.done"),
        taskOpen: t("task.open"),
      },
    };
  }

  async #submit(): Promise<void> {
    const { text } = this.#composer;
    if (text.trim() === "" || (this.session?.getSnapshot().isStreaming && this.#composer.queued !== null)) return;
    const before = this.messages.length;
    const settled = this.send(text);
    const taken = this.messages.length > before || this.#composer.queued === text;
    if (taken) this.#composer.set("");
    await settled;
  }

  #again(ask: (session: ChatSession) => Promise<ChatMessage | null>): Promise<ChatMessage | null> {
    const { session } = this;
    if (!session) return Promise.resolve(null);
    const answered = ask(session);
    this.#sentAt = performance.now();
    this.#anchor.pin();
    this.requestUpdate();
    return answered;
  }

  /** An action whose button goes away with what it does: the focus goes to the composer, never to the page. */
  #run(action: () => Promise<unknown>): void {
    this.#focusComposer();
    void action();
  }

  #focusComposer(): void {
    if (isTouch()) this.#scroller.value?.focus({ preventScroll: true });
    else this.#input.value?.focus({ preventScroll: true });
  }

  #unqueue(): void {
    const { queued, text } = this.#composer;
    this.#composer.queue(null);
    if (queued !== null) this.#composer.set(text ? `${queued}\n${text}` : queued);
    this.#focusComposer();
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
    this.#announcer.notice(this.#t("log.earlierShown", { n: count }));
  }

  #onJump(): void {
    this.#anchor.pin();
    this.#focusComposer();
  }

  /** Escape does one thing per press: stop the answer, then close the panel. */
  readonly #onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || event.isComposing || event.defaultPrevented) return;
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

  /** A back gesture closes a full-screen dialog without a key. */
  readonly #onDialogCancel = (event: Event): void => {
    event.preventDefault();
    void this.hide();
  };

  readonly #onDialogClose = (): void => {
    const dialog = this.renderRoot.querySelector("dialog");
    if (this.open && dialog && !dialog.matches(":popover-open, :modal")) this.open = false;
  };

  #onAnswerEnded(answer: ChatMessage): void {
    const t = this.#t;
    const how = answer.status === "complete" ? "complete" : answer.status === "stopped" ? "stopped" : "failed";
    void this.#answerText.complete(answer.id).then(() => this.#announcer.ended(how));
    if (answer.status === "error") this.#announcer.alert(t("err.generic"));
    if (answer.status === "interrupted") this.#announcer.alert(`${t("err.dropped")}. ${t("err.kept")}`);
    if (this.mode === "floating" && !this.open && how === "complete") {
      this.#unread += 1;
      this.requestUpdate();
    }
    const { queued } = this.#composer;
    if (queued === null) return;
    if (how === "failed") this.#unqueue();
    else {
      this.#composer.queue(null);
      void this.send(queued);
    }
  }

  #onReconnecting(reconnecting: boolean): void {
    clearTimeout(this.#reconnectTimer);
    if (reconnecting) {
      this.#reconnectTimer = setTimeout(() => {
        this.#reconnectShown = true;
        this.#announcer.notice(this.#t("net.reconnecting"));
        this.requestUpdate();
      }, RECONNECT_BANNER_AFTER_MS);
    } else if (this.#reconnectShown) {
      this.#reconnectShown = false;
      this.#announcer.notice(this.#t("net.back"));
      this.requestUpdate();
    }
  }

  async #copy(message: ChatMessage): Promise<void> {
    const text = messageText(message);
    if (!(await copyText(text))) return;
    this.#copied = message.id;
    this.#announcer.notice(this.#t("act.copied"));
    this.requestUpdate();
    this.dispatchEvent(new ChanlCopyEvent({ messageId: message.id, length: text.length }));
    setTimeout(() => {
      if (this.#copied === message.id) this.#copied = null;
      this.requestUpdate();
    }, COPIED_FOR_MS);
  }

  readonly #keepDraft = (event: Event): void => {
    if (event.type === "pagehide" || document.visibilityState === "hidden") this.#drafts.flush();
  };

  #storageArea(): Storage | null {
    if (this.storage === "none") return null;
    return this.storage === "local" ? localStorage : sessionStorage;
  }
}

const isTouch = (): boolean => matchMedia("(pointer: coarse)").matches;

function splitStarters(value: string | null): string[] {
  return (value ?? "")
    .split("|")
    .map((text) => text.trim())
    .filter(Boolean);
}

declare global {
  interface HTMLElementTagNameMap {
    "chanl-chat": ChanlChat;
  }
}
