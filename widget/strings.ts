/**
 * Every word the widget says, by key. `{x}` stands for a parameter; where a word depends on a number, there is one form for each
 * plural the language has. Owners replace any of them through the `strings` property.
 */

/** A phrase, or its forms by the plural that the parameter `n` falls into. */
export type Phrase = string | (Partial<Record<Intl.LDMLPluralRule, string>> & { other: string });

export const ENGLISH = {
  "chat.title": "Chat",
  "launcher.open": "Open chat",
  "launcher.openUnread": { one: "Open chat, {n} unread message", other: "Open chat, {n} unread messages" },
  "launcher.close": "Close chat",
  "header.new": "New conversation",
  "header.expand": "Expand chat",
  "header.shrink": "Shrink chat",
  "header.close": "Close chat",
  "log.label": "Conversation",
  "log.earlier": "Show earlier messages ({n})",
  "log.earlierShown": { one: "{n} earlier message shown", other: "{n} earlier messages shown" },
  "log.today": "Today",
  "log.yesterday": "Yesterday",
  "msg.you": "You said",
  "msg.bot": "{name} said",
  "msg.stopped": "Stopped",
  "msg.along": "Sent along",
  "msg.chars": "{n} characters",
  "msg.versions": "Versions",
  "msg.version": "Version {i} of {count}",
  "msg.versionBefore": "Previous version",
  "msg.versionAfter": "Next version",
  "act.group": "Message actions",
  "act.copy": "Copy answer",
  "act.copied": "Copied",
  "act.regenerate": "Regenerate answer",
  "act.edit": "Edit message",
  "act.save": "Save and ask",
  "act.cancel": "Cancel",
  "act.good": "Good answer",
  "act.bad": "Bad answer",
  "act.read": "Read aloud",
  "act.stopRead": "Stop reading",
  "think.running": "Thinking",
  "think.done": "Thought for {s} s",
  "think.doneUntimed": "Thoughts",
  "tool.label": "Tool call: {title}",
  "tool.writing": "Writing input",
  "tool.running": "Running",
  "tool.failed": "Failed",
  "tool.ask": "Needs your OK",
  "tool.denied": "Not allowed",
  "tool.cancelled": "Cancelled",
  "tool.unknown": "No result",
  "tool.input": "Input",
  "tool.result": "Result",
  "tool.done": "Done",
  "tool.seconds": "{s} s",
  "tool.retry": "Try again",
  "tool.askText": "The assistant wants to do this. It waits for you.",
  "tool.allow": "Allow once",
  "tool.deny": "Don’t allow",
  "tool.change": "Change the input",
  "tool.changed": "Input as JSON",
  "tool.badInput": "This is not valid JSON, so nothing was sent.",
  "tool.folded": { one: "Used {n} tool", other: "Used {n} tools" },
  "code.label": "Code, {lang}",
  "code.plain": "Code",
  "code.copy": "Copy code",
  "code.wrap": "Wrap lines",
  "code.more": "Show all {n} lines",
  "table.label": "Table",
  "image.load": "Load image: {alt} ({host})",
  "image.loadPlain": "Load image ({host})",
  "task.done": "Done",
  "task.open": "Not done",
  "sources.title": "Sources",
  "cite.label": "Source {n}: {title}",
  "composer.label": "Message",
  "composer.placeholder": "Write a message…",
  "composer.send": "Send message",
  "composer.stop": "Stop generating",
  "composer.escHint": "Press Esc to stop. Your draft is kept.",
  "composer.attach": "Attach files",
  "composer.speak": "Dictate",
  "composer.speaking": "Stop dictating",
  "composer.speakDenied": "The microphone is not allowed here",
  "composer.speakFailed": "The microphone could not be used",
  "composer.files": "Attached files",
  "composer.remove": "Remove {file}",
  "composer.drop": "Drop files here",
  "composer.tooBig": "{file} is larger than {size}",
  "composer.badType": "{file} cannot be attached",
  "composer.tooMany": { one: "At most {n} file", other: "At most {n} files" },
  "composer.file": "Pasted text",
  "composer.pasteAsFile": "Attach as text",
  "composer.queued": "Sends after this answer",
  "composer.unqueue": "Put the waiting message back",
  "jump.latest": "Latest",
  "jump.new": "New reply",
  "jump.request": "Go to request",
  "empty.title": "Hi, how can we help?",
  "empty.text": "Ask a question to get started.",
  "empty.starters": "Suggested questions",
  "err.generic": "Something went wrong",
  "err.text": "The assistant could not answer. Your message is kept.",
  "err.notLoaded": "A part of the chat could not be loaded. Your message is kept.",
  "load.history": "Loading conversation",
  "err.dropped": "The connection dropped",
  "err.kept": "The answer so far is kept.",
  "err.pickUp": "You can pick it up where it stopped.",
  "err.retry": "Retry",
  "err.continue": "Continue answer",
  "err.restart": "Start over",
  "net.reconnecting": "Reconnecting…",
  "net.attempt": "Attempt {i} of {n}",
  "net.continues": "The answer will continue by itself.",
  "net.back": "Back online",
  "net.offline": "You are offline",
  "net.offlineText": "We send your message when you are back.",
  "composer.waits": "Sends when you are back online",
  "rate.title": "Slow down a little",
  "rate.text": "You can ask again in {s} s.",
  "rate.over": "You can ask again now.",
  "restore.title": "Conversation restored",
  "restore.text": "From {when}.",
  "restore.new": "Start new",
  "say.replying": "{name} is replying",
  "say.done": "Answer complete",
  "say.stopped": "Stopped",
  "say.newMsg": "New message from {name}",
  "say.code": { one: "Code, {lang}, {n} line", other: "Code, {lang}, {n} lines" },
  "say.codePlain": { one: "Code, {n} line", other: "Code, {n} lines" },
  "say.table": "Table, {cols} columns, {rows} rows",
  "metrics.full": "First token after {s} seconds, {r} tokens per second, {n} tokens",
  "metrics.ttft": "{s} s",
  "metrics.ttftLong": " to first token",
  "metrics.rate": "{r} tok/s",
  "metrics.tokens": "{n} tok",
  disclaimer: "Answers can be wrong. Check important details.",
} as const satisfies Record<string, Phrase>;

export type StringKey = keyof typeof ENGLISH;
export type Strings = Record<StringKey, Phrase>;
export type Translate = (key: StringKey, params?: Readonly<Record<string, string | number>>) => string;

/**
 * The lookup for one language and the owner's overrides; what neither has falls back to English.
 * @param language of the phrases, for the plurals and the numbers in them
 */
export function createTranslate(overrides: Partial<Strings> = {}, phrases: Partial<Strings> = {}, language = "en"): Translate {
  // Made when the first number comes: the two take a page 10 to 20 ms, and most pages' chats say none before somebody asks.
  let plurals: Intl.PluralRules | undefined;
  let numbers: Intl.NumberFormat | undefined;
  return (key, params) => {
    const phrase: Phrase = overrides[key] ?? phrases[key] ?? ENGLISH[key];
    const text =
      typeof phrase === "string"
        ? phrase
        : (phrase[(plurals ??= new Intl.PluralRules(language)).select(Number(params?.["n"]))] ?? phrase.other);
    if (!params) return text;
    return text.replace(/\{(\w+)\}/g, (hole, name: string) => {
      const value = params[name];
      return typeof value === "number" ? (numbers ??= new Intl.NumberFormat(language)).format(value) : (value ?? hole);
    });
  };
}
