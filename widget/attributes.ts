/** What an owner sets on `<chanl-chat>`: attributes for plain values, properties for objects. */
import { LitElement } from "lit";
import { property } from "lit/decorators.js";

import type { ClientTool } from "../shared/session/client-tools.ts";
import type { HeadersSource } from "../shared/transport/transport.ts";
import type { AnnounceMode } from "./controllers/announcer.ts";
import type { ScrollMode } from "./controllers/scroll-anchor.ts";
import type { ProtocolName, TransportName } from "./controllers/session-controller.ts";
import type { Renderers } from "./renderers.ts";
import type { Strings } from "./strings.ts";

export type ChatMode = "inline" | "floating" | "fullscreen" | "panel";

export class ChanlChatAttributes extends LitElement {
  /** Base of the chat API, such as `/api/chat`. */
  @property() endpoint = "";
  /** Which agent answers. */
  @property({ attribute: "agent-id" }) agentId = "";
  /** How answers travel. */
  @property() transport: TransportName = "auto";
  /**
   * What the endpoint speaks. `auto` and `chanl` are the gateway's own protocol. With any other the endpoint is the exact address that is
   * asked, the agent's id is the model, and nothing survives a reload in mid-answer.
   */
  @property() protocol: ProtocolName = "auto";
  /** Where the chat stands: in the flow of the page, floating over it, over all of it, or filling a panel. */
  @property({ reflect: true, useDefault: true }) mode: ChatMode = "inline";
  /** Whether the panel of a floating chat is open. */
  @property({ type: Boolean, reflect: true }) open = false;
  /** Which side a floating chat stands on. */
  @property() position: "end" | "start" = "end";
  /**
   * Where a floating chat is stacked: above everything, whatever the page does (the top layer), or in the page at `--chanl-z-index`, so
   * that dialogs of the page can cover it. Where the viewport is small it fills the screen above everything in both.
   */
  @property() layer: "top" | "page" = "top";
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
  /** Room between things. */
  @property({ reflect: true, useDefault: true }) density: "compact" | "normal" | "spacious" = "normal";
  /** Good and Bad below each answer. */
  @property({ type: Boolean }) feedback = false;
  /** A button below each answer that reads it aloud, where the browser can. */
  @property({ attribute: "read-aloud", type: Boolean }) readAloud = false;
  /** A button in the composer that takes dictation, where the browser can. Chrome and Safari send what they hear to their makers. */
  @property({ attribute: "speech-input", type: Boolean }) speechInput = false;
  /** TeX in answers is set as mathematics, by a part that is loaded with the first formula. For answers drawn from then on. */
  @property({ type: Boolean }) math = false;
  /**
   * Whose images in answers are shown without a click: origins, hosts (https) and `data:`; as an attribute, divided by spaces. They
   * learn what the model writes into an address. For answers drawn from then on.
   */
  @property({
    attribute: "allow-image-hosts",
    converter: { fromAttribute: (value: string | null) => value?.split(/\s+/).filter(Boolean) ?? [] },
  })
  allowImageHosts: readonly string[] = [];
  /** What a screen reader hears of an answer. */
  @property() announce: AnnounceMode = "sentences";
  /** `mod-enter`: Ctrl or ⌘ with Enter sends, Enter alone makes a new line. */
  @property({ attribute: "submit-key" }) submitKey: "enter" | "mod-enter" = "enter";
  /**
   * Where the log goes when a question is asked: `bottom` follows the end of the answer, `turn` puts the question at the top and lets its
   * answer grow below it. `auto` is `turn` where the log is at least 760 px wide. However it is, scrolling up stops it.
   */
  @property({ attribute: "scroll-mode" }) scrollMode: ScrollMode = "auto";
  /** What sending does while an answer runs: the message waits for its end, or nothing happens. */
  @property({ attribute: "while-streaming" }) whileStreaming: "queue" | "block" = "queue";
  /** Files may go along with a question: pictures, and whatever is text. */
  @property({ type: Boolean }) attachments = false;
  /** Which files, as in `<input accept>`, such as `image/*,.md`. Empty: every picture and every text. */
  @property() accept = "";
  /** Largest file, in bytes. Pictures are made smaller before they are sent; of texts a question holds about 100 KB. */
  @property({ attribute: "max-file-size", type: Number }) maxFileSize = 10_000_000;
  /** Most files of one question; a request holds 8 pictures. */
  @property({ attribute: "max-files", type: Number }) maxFiles = 5;
  /** A shortcut of the page that opens and closes a floating chat, and goes to the composer of any other: `mod+k`, `ctrl+shift+u`, `F9`. */
  @property() hotkey = "";
  /** Most characters of a question; 0 for no limit. From four fifths of it on they are counted below the field. What is longer stays there and is not sent. */
  @property({ attribute: "maxlength", type: Number }) maxLength = 0;
  /** Nothing can be asked. */
  @property({ type: Boolean, reflect: true }) disabled = false;
  /** `content`: events carry the text of messages too. */
  @property() events: "ids" | "content" = "ids";
  /** Where the conversation survives a reload. With `indexeddb`, which holds long ones with files, the draft is in `localStorage`. */
  @property() storage: "none" | "session" | "local" | "indexeddb" = "session";
  /** Which conversation of the storage is shown; empty: the last one of this place. */
  @property({ attribute: "conversation-id", reflect: true, useDefault: true }) conversationId = "";
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
  /**
   * What the page draws itself: `tool:NAME`, a function from a call to an element or text in its card, and `code:LANGUAGE`, from complete
   * code to an element in its place. Without a function a `<template slot="tool:NAME">` inside the element does it for results.
   */
  @property({ attribute: false }) renderers: Renderers | undefined;
  /** Words in place of the widget's own. */
  @property({ attribute: false }) strings: Partial<Strings> = {};
}

function splitStarters(value: string | null): string[] {
  return (value ?? "")
    .split("|")
    .map((text) => text.trim())
    .filter(Boolean);
}
