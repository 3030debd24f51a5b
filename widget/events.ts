/** The events of `<chanl-chat>`: bubbling, composed, named `chanl-*`. Details carry ids and numbers; the text of a message only with `events="content"`. */
import type { ChatErrorCode } from "../shared/errors.ts";
import type { FinishReason, Metrics } from "../shared/protocol/chunk.ts";
import type { MessageStatus } from "../shared/session/message.ts";

class ChanlEvent<Detail> extends CustomEvent<Detail> {
  constructor(type: string, detail: Detail, cancelable = false) {
    super(type, { bubbles: true, composed: true, cancelable, detail });
  }
}

/** The element is set up: its session exists, and what was stored is restored. */
export class ChanlReadyEvent extends ChanlEvent<{ conversationId: string; restored: boolean }> {
  constructor(detail: ChanlReadyEvent["detail"]) {
    super("chanl-ready", detail);
  }
}

/** A message is about to be sent; `preventDefault()` keeps it in the composer. */
export class ChanlBeforeSendEvent extends ChanlEvent<{ conversationId: string; length: number; text?: string }> {
  constructor(detail: ChanlBeforeSendEvent["detail"]) {
    super("chanl-before-send", detail, true);
  }
}

/** A message was sent and is on screen. */
export class ChanlSendEvent extends ChanlEvent<{ conversationId: string; messageId: string; length: number; text?: string }> {
  constructor(detail: ChanlSendEvent["detail"]) {
    super("chanl-send", detail);
  }
}

/** The gateway accepted the request: the answer's stream has begun. */
export class ChanlStreamStartEvent extends ChanlEvent<{ messageId: string; streamId: string; model: string }> {
  constructor(detail: ChanlStreamStartEvent["detail"]) {
    super("chanl-stream-start", detail);
  }
}

/** The model called a tool, with complete arguments. */
export class ChanlToolCallEvent extends ChanlEvent<{ messageId: string; toolCallId: string; name: string }> {
  constructor(detail: ChanlToolCallEvent["detail"]) {
    super("chanl-tool-call", detail);
  }
}

/** A tool call ended. */
export class ChanlToolResultEvent extends ChanlEvent<{ messageId: string; toolCallId: string; name: string; ok: boolean; ms: number }> {
  constructor(detail: ChanlToolResultEvent["detail"]) {
    super("chanl-tool-result", detail);
  }
}

/** An answer ended, however it ended. */
export class ChanlMessageEvent extends ChanlEvent<{
  messageId: string;
  status: MessageStatus;
  finishReason: FinishReason | null;
  length: number;
  text?: string;
}> {
  constructor(detail: ChanlMessageEvent["detail"]) {
    super("chanl-message", detail);
  }
}

/** The visitor, or `stop()`, ended an answer. */
export class ChanlStopEvent extends ChanlEvent<{ messageId: string | null }> {
  constructor(detail: ChanlStopEvent["detail"]) {
    super("chanl-stop", detail);
  }
}

/** The connection was cut and is being picked up again. */
export class ChanlReconnectEvent extends ChanlEvent<{ attempt: number; maxAttempts: number; delayMs: number; code: ChatErrorCode }> {
  constructor(detail: ChanlReconnectEvent["detail"]) {
    super("chanl-reconnect", detail);
  }
}

/** Something failed. `message` is for the owner of the page, not for visitors. */
export class ChanlErrorEvent extends ChanlEvent<{ code: ChatErrorCode; message: string; retryable: boolean }> {
  constructor(detail: ChanlErrorEvent["detail"]) {
    super("chanl-error", detail);
  }
}

/** The figures of an answer that ended. */
export class ChanlMetricsEvent extends ChanlEvent<{ messageId: string } & Metrics> {
  constructor(detail: ChanlMetricsEvent["detail"]) {
    super("chanl-metrics", detail);
  }
}

/** The panel is about to open; `preventDefault()` keeps it closed. */
export class ChanlShowEvent extends ChanlEvent<null> {
  constructor() {
    super("chanl-show", null, true);
  }
}

/** The panel is open. */
export class ChanlAfterShowEvent extends ChanlEvent<null> {
  constructor() {
    super("chanl-after-show", null);
  }
}

/** The panel is about to close; `preventDefault()` keeps it open. */
export class ChanlHideEvent extends ChanlEvent<null> {
  constructor() {
    super("chanl-hide", null, true);
  }
}

/** The panel is closed. */
export class ChanlAfterHideEvent extends ChanlEvent<null> {
  constructor() {
    super("chanl-after-hide", null);
  }
}

/** An answer was copied. */
export class ChanlCopyEvent extends ChanlEvent<{ messageId: string; length: number }> {
  constructor(detail: ChanlCopyEvent["detail"]) {
    super("chanl-copy", detail);
  }
}

/** A tool call waits for the visitor. `preventDefault()` keeps it from being announced: the owner decides, by `approve()` or `reject()`. */
export class ChanlApprovalRequestEvent extends ChanlEvent<{ messageId: string; toolCallId: string; name: string }> {
  constructor(detail: ChanlApprovalRequestEvent["detail"]) {
    super("chanl-approval-request", detail, true);
  }
}

/** A tool call was allowed or not, and the gateway has heard. */
export class ChanlApprovalEvent extends ChanlEvent<{ toolCallId: string; approved: boolean }> {
  constructor(detail: ChanlApprovalEvent["detail"]) {
    super("chanl-approval", detail);
  }
}

/** An answer was rated; `null` takes a rating back. */
export class ChanlFeedbackEvent extends ChanlEvent<{ messageId: string; rating: "good" | "bad" | null }> {
  constructor(detail: ChanlFeedbackEvent["detail"]) {
    super("chanl-feedback", detail);
  }
}

/** The number of answers that came while the panel was closed. */
export class ChanlUnreadEvent extends ChanlEvent<{ count: number }> {
  constructor(detail: ChanlUnreadEvent["detail"]) {
    super("chanl-unread", detail);
  }
}

/** Another conversation is on screen. */
export class ChanlConversationChangeEvent extends ChanlEvent<{ conversationId: string }> {
  constructor(detail: ChanlConversationChangeEvent["detail"]) {
    super("chanl-conversation-change", detail);
  }
}

/** A link in an answer was activated; `preventDefault()` keeps the browser from following it. */
export class ChanlLinkClickEvent extends ChanlEvent<{ href: string }> {
  constructor(detail: ChanlLinkClickEvent["detail"]) {
    super("chanl-link-click", detail, true);
  }
}

export interface ChanlChatEventMap {
  "chanl-ready": ChanlReadyEvent;
  "chanl-before-send": ChanlBeforeSendEvent;
  "chanl-send": ChanlSendEvent;
  "chanl-stream-start": ChanlStreamStartEvent;
  "chanl-tool-call": ChanlToolCallEvent;
  "chanl-tool-result": ChanlToolResultEvent;
  "chanl-message": ChanlMessageEvent;
  "chanl-stop": ChanlStopEvent;
  "chanl-reconnect": ChanlReconnectEvent;
  "chanl-error": ChanlErrorEvent;
  "chanl-metrics": ChanlMetricsEvent;
  "chanl-show": ChanlShowEvent;
  "chanl-after-show": ChanlAfterShowEvent;
  "chanl-hide": ChanlHideEvent;
  "chanl-after-hide": ChanlAfterHideEvent;
  "chanl-copy": ChanlCopyEvent;
  "chanl-approval-request": ChanlApprovalRequestEvent;
  "chanl-approval": ChanlApprovalEvent;
  "chanl-feedback": ChanlFeedbackEvent;
  "chanl-unread": ChanlUnreadEvent;
  "chanl-conversation-change": ChanlConversationChangeEvent;
  "chanl-link-click": ChanlLinkClickEvent;
}

declare global {
  interface GlobalEventHandlersEventMap extends ChanlChatEventMap {}
}
