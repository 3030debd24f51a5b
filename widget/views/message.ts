/** One message: the visitor's words in a bubble, or an answer made of its parts, and what one can do with it. */
import { css, html, nothing, type TemplateResult } from "lit";
import { classMap } from "lit/directives/class-map.js";

import { icons } from "../icons.ts";
import type { JsonValue } from "../../shared/protocol/chunk.ts";
import type { Forks } from "../../shared/session/versions.ts";
import type { ChatMessage, ReasoningPart, SourcePart, TextPart, ToolCallPart } from "../../shared/session/message.ts";
import { messageText } from "../../shared/session/message.ts";
import type { AnswerText } from "../controllers/answer-text.ts";
import type { Disclosures } from "../controllers/disclosures.ts";
import type { Lazy } from "../lazy.ts";
import type { DrawnCalls, Renderers } from "../renderers.ts";
import type { Translate } from "../strings.ts";
import { bannerView, type BannerAction } from "./banner.ts";
import { countdown } from "./countdown.ts";
import { seconds, timeOf, whole } from "./figures.ts";
import { reasoningView } from "./reasoning.ts";
import { sourcesView } from "./sources.ts";
import { opensByItself, toolCardView, toolFoldView } from "./tool-card.ts";
import { toolDetailsView } from "./tool-details.ts";

/** What a visitor can do with a message. */
export interface MessageActions {
  copy(message: ChatMessage): void;
  retry(): void;
  regenerate(): void;
  continue(): void;
  startNew(): void;
  /** `null` ends editing without a change. */
  edit(message: ChatMessage | null): void;
  save(message: ChatMessage, text: string): void;
  selectVersion(message: ChatMessage, index: number): void;
  rate(message: ChatMessage, rating: "good" | "bad"): void;
  read(message: ChatMessage): void;
  decide(part: ToolCallPart, approved: boolean, changed?: JsonValue): void;
}

export interface MessageContext {
  t: Translate;
  locale: string;
  name: string;
  /** Level of a message's hidden heading. */
  level: number;
  showMetrics: boolean;
  feedback: boolean;
  readAloud: boolean;
  answerText: AnswerText;
  disclosures: Disclosures;
  drawnCalls: DrawnCalls;
  renderers: Renderers | undefined;
  lazy: Lazy;
  forks: Forks;
  /** Base of relative addresses in sources. */
  base: string;
  /** The message whose text was copied a moment ago. */
  copied: string | null;
  /** The message that is being asked anew. */
  editing: string | null;
  /** The message that is being read aloud. */
  reading: string | null;
  isStreaming: boolean;
  /** The message whose question can be asked again. */
  canRetry: string | null;
  /** When one may ask again, ms since the epoch. */
  limitedUntil: number;
  actions: MessageActions;
}

export interface MessageView {
  message: ChatMessage;
  /** Position in the log: makes the ids of its parts unique in the shadow root. */
  at: number;
  /** The last message of a conversation in which nothing is running: the only one that can be asked again. */
  latest: boolean;
}

export function messageView(view: MessageView, context: MessageContext): TemplateResult {
  return view.message.role === "user" ? userView(view, context) : answerView(view, context);
}

function userView({ message, at }: MessageView, context: MessageContext): TemplateResult {
  const { t, locale, level, actions } = context;
  const text = messageText(message);
  const editor = context.editing === message.id ? context.lazy.get("edit") : null;
  return html`
    <div class="msg user" part="message message-user" role="article" tabindex="-1" aria-labelledby="m${at}">
      <div class="vh" id="m${at}" role="heading" aria-level=${level}>${t("msg.you")}</div>
      ${contextView(message, t, locale)}
      ${
        editor
          ? editor.editView({ t, text, onSave: (changed) => actions.save(message, changed), onCancel: () => actions.edit(null) })
          : html`<div class="said">
                <span class="acts-on-hover"
                  >${timeView(message, context)}${actionView(t("act.edit"), icons.edit(), () => actions.edit(message))}</span
                >
                ${text ? html`<div class="bub" part="bubble" dir="auto">${text}</div>` : nothing}
              </div>
              ${versionsOf(message, context)}`
      }
    </div>
  `;
}

/** What was sent along with the words: from where, and how much. */
function contextView({ parts }: ChatMessage, t: Translate, locale: string): unknown {
  const along = parts.filter((part) => part.type === "context");
  if (along.length === 0) return nothing;
  return html`<ul class="along" aria-label=${t("msg.along")}>
    ${along.map(
      ({ url, title, text }) =>
        html`<li part="context" title=${title}>
          <bdi>${URL.canParse(url) ? new URL(url).host : title}</bdi
          >${text ? ` · ${t("msg.chars", { n: whole(text.length, locale) })}` : nothing}
        </li>`,
    )}
  </ul>`;
}

function timeView({ createdAt }: ChatMessage, { locale }: MessageContext): TemplateResult {
  return html`<time datetime=${new Date(createdAt).toISOString()}>${timeOf(createdAt, locale)}</time>`;
}

function versionsOf(message: ChatMessage, { t, forks, lazy, isStreaming, actions }: MessageContext): unknown {
  const fork = message.forkId === undefined ? undefined : forks[message.forkId];
  if (!fork || fork.versions.length < 2) return nothing;
  const { current, versions } = fork;
  return (
    lazy.get("edit")?.versionsView({
      t,
      current,
      count: versions.length,
      isBusy: isStreaming,
      onSelect: (index) => actions.selectVersion(message, index),
    }) ?? nothing
  );
}

interface ActionLook {
  pressed?: boolean;
}

function actionView(label: string, icon: TemplateResult, run: () => void, { pressed }: ActionLook = {}): TemplateResult {
  return html`<button
    type="button"
    class="ib"
    part="action"
    aria-label=${label}
    title=${label}
    aria-pressed=${pressed ?? nothing}
    @click=${run}
  >
    ${icon}
  </button>`;
}

function answerView(view: MessageView, context: MessageContext): TemplateResult {
  const { message, at } = view;
  const { t, name, level } = context;
  const live = message.status === "pending" || message.status === "streaming";
  return html`
    <div
      class=${classMap({ msg: true, bot: true, live, latest: view.latest })}
      part="message message-assistant"
      role="article"
      tabindex="-1"
      aria-labelledby="m${at}"
      aria-busy=${live ? "true" : nothing}
    >
      <div class="vh" id="m${at}" role="heading" aria-level=${level}>${t("msg.bot", { name })}</div>
      ${blocksView(view, context, live)}
      ${
        message.parts.length === 0 && live
          ? html`<p class="pending"><span class="caret" aria-hidden="true"></span><span class="shim">${t("think.running")}</span></p>`
          : nothing
      }
      ${sourcesView({ t, base: context.base, sources: live ? [] : message.parts.filter((part): part is SourcePart => part.type === "source") })}
      ${endView(view, context)} ${live ? nothing : footView(view, context)}
    </div>
  `;
}

/** Text parts that only a source stands between are one piece of Markdown. */
interface TextRun {
  index: number;
  parts: TextPart[];
}

function blocksView({ message, at }: MessageView, context: MessageContext, live: boolean): unknown[] {
  const blocks: unknown[] = [];
  let run: TextRun | null = null;
  const calls: { part: ToolCallPart; index: number }[] = [];
  const endCalls = (): void => {
    const card = ({ part, index }: (typeof calls)[number]): unknown => callView(message, part, index, at, context);
    const [first] = calls;
    if (first && calls.length >= FOLD_FROM) blocks.push(foldView(message, calls.splice(0), card, at, context));
    else blocks.push(...calls.splice(0).map(card));
  };
  const lastIndex = message.parts.findLastIndex((part) => part.type !== "source");
  const endRun = (): void => {
    if (run) blocks.push(textView(message, run, live && run.index + run.parts.length > lastIndex, context));
    run = null;
  };
  message.parts.forEach((part, index) => {
    if (part.type === "source" || part.type === "context") return;
    if (part.type === "text") {
      endCalls();
      run ??= { index, parts: [] };
      run.parts.push(part);
      return;
    }
    endRun();
    if (part.type === "tool_call") {
      // What the page has drawn is to be seen.
      const standsAlone = part.state !== "complete" || context.drawnCalls.draw(part, context.renderers) !== null;
      if (standsAlone) endCalls();
      calls.push({ part, index });
      if (standsAlone) endCalls();
      return;
    }
    endCalls();
    blocks.push(thoughtView(message, part, index, at, live && index === lastIndex, context));
  });
  endRun();
  endCalls();
  return blocks;
}

/** So many finished calls in a row become one line. */
const FOLD_FROM = 3;

function foldView(
  message: ChatMessage,
  calls: readonly { part: ToolCallPart; index: number }[],
  card: (call: { part: ToolCallPart; index: number }) => unknown,
  at: number,
  { t, locale, disclosures }: MessageContext,
): TemplateResult {
  const key = `${message.id}:${calls[0]?.index}:fold`;
  const open = disclosures.isOpen(key, false);
  return toolFoldView({
    t,
    locale,
    parts: calls.map(({ part }) => part),
    open,
    id: `m${at}f${calls[0]?.index}`,
    cards: () => calls.map(card),
    onToggle: () => disclosures.toggle(key, !open),
  });
}

function textView(message: ChatMessage, run: TextRun, live: boolean, { answerText }: MessageContext): TemplateResult {
  return html`<div
    class=${live ? "md live" : "md"}
    part="content"
    dir="auto"
    ${answerText.host({ key: `${message.id}:${run.index}`, format: "markdown", parts: run.parts, settled: isSettled(message, live) })}
  ></div>`;
}

/** An interrupted answer may go on where it stopped, so its last text is not settled yet. */
const isSettled = (message: ChatMessage, live: boolean): boolean => !live && message.status !== "interrupted";

function thoughtView(
  message: ChatMessage,
  part: ReasoningPart,
  index: number,
  at: number,
  live: boolean,
  context: MessageContext,
): unknown {
  const key = `${message.id}:${index}`;
  const open = context.disclosures.isOpen(key, live);
  return reasoningView({
    t: context.t,
    locale: context.locale,
    part,
    live,
    open,
    id: `m${at}p${index}`,
    text: context.answerText.host({ key, format: "text", parts: [part], settled: !live }),
    onToggle: () => context.disclosures.toggle(key, !open),
  });
}

function callView(message: ChatMessage, part: ToolCallPart, index: number, at: number, context: MessageContext): unknown {
  const { t, locale, disclosures, actions } = context;
  const key = `${message.id}:${index}`;
  const drawn = context.drawnCalls.draw(part, context.renderers);
  const open = part.state === "needs-approval" || disclosures.isOpen(key, drawn !== null || opensByItself(part.state));
  const id = `m${at}p${index}`;
  const canRetry = !context.isStreaming && context.canRetry === message.id;
  return toolCardView({
    t,
    locale,
    part,
    open,
    id,
    details: open
      ? toolDetailsView({
          t,
          part,
          id,
          drawn: drawn === null ? null : context.drawnCalls.view(drawn, key),
          onRetry: canRetry ? () => actions.regenerate() : undefined,
          onAllow: (changed) => actions.decide(part, true, changed),
          onDeny: () => actions.decide(part, false),
        })
      : null,
    onToggle: () => disclosures.toggle(key, !open),
  });
}

/** How an answer ended, where it did not simply end. */
function endView({ message, latest }: MessageView, context: MessageContext): unknown {
  const { t } = context;
  const { actions } = context;
  const isLimited = context.limitedUntil > Date.now();
  const retry: BannerAction = { label: t("err.retry"), icon: icons.regenerate(), run: () => actions.retry() };
  const hasText = message.parts.length > 0;
  if (message.status === "stopped") return html`<p class="note">${icons.ban()}${t("msg.stopped")}</p>`;
  if (message.status === "interrupted") {
    const resume: BannerAction = { label: t("err.continue"), primary: true, icon: icons.regenerate(), run: () => actions.continue() };
    return bannerView({
      kind: "bad",
      title: t("err.dropped"),
      text: hasText ? `${t("err.kept")} ${t("err.pickUp")}` : t("err.text"),
      actions: latest ? (message.streamId ? [resume, { ...retry, icon: undefined }] : [retry]) : [],
    });
  }
  if (message.status !== "error" || !message.error) return nothing;
  const { code, retryAfterMs } = message.error;
  if (code === "rate_limited" || code === "provider_rate_limited") {
    return bannerView({
      kind: "warn",
      icon: icons.clock(),
      title: t("rate.title"),
      text: latest && isLimited ? limitText(context) : latest && retryAfterMs ? t("rate.over") : t("err.text"),
      actions: latest ? [{ ...retry, disabled: isLimited }] : [],
    });
  }
  return bannerView({
    kind: "bad",
    title: t("err.generic"),
    text: hasText ? t("err.kept") : t("err.text"),
    actions: latest ? [retry, ...(message.error.retryable ? [] : [{ label: t("err.restart"), run: () => actions.startNew() }])] : [],
  });
}

/** The seconds run by themselves, and are not spoken. */
function limitText({ t, limitedUntil }: MessageContext): TemplateResult {
  return html`<span aria-hidden="true">${countdown(limitedUntil, (s) => t("rate.text", { s }))}</span>`;
}

function footView({ message, latest }: MessageView, context: MessageContext): TemplateResult | typeof nothing {
  const { t, actions } = context;
  const text = messageText(message);
  const metrics = context.showMetrics && message.status === "complete" ? metricsView(message, context) : nothing;
  const versions = versionsOf(message, context);
  if (!text && metrics === nothing && versions === nothing) return nothing;
  const copied = context.copied === message.id;
  const reading = context.reading === message.id;
  const again = latest && (message.status === "complete" || message.status === "stopped");
  const rate = (rating: "good" | "bad"): TemplateResult =>
    actionView(t(`act.${rating}`), icons[rating](), () => actions.rate(message, rating), { pressed: message.rating === rating });
  return html`
    <div class="foot" part="actions" role="group" aria-label=${t("act.group")}>
      ${versions}
      <span class="acts-on-hover">
        ${text ? actionView(t(copied ? "act.copied" : "act.copy"), copied ? icons.check() : icons.copy(), () => actions.copy(message)) : nothing}
        ${again ? actionView(t("act.regenerate"), icons.regenerate(), () => actions.regenerate()) : nothing}
        ${context.feedback && text ? [rate("good"), rate("bad")] : nothing}
        ${
          context.readAloud && text
            ? actionView(t(reading ? "act.stopRead" : "act.read"), reading ? icons.stop() : icons.read(), () => actions.read(message))
            : nothing
        }
        ${timeView(message, context)}
      </span>
      ${metrics}
    </div>
  `;
}

function metricsView({ metrics }: ChatMessage, { t, locale }: MessageContext): TemplateResult | typeof nothing {
  if (!metrics || metrics.ttft === null) return nothing;
  const s = seconds(metrics.ttft, locale, 2);
  const r = whole(metrics.tokensPerSecond, locale);
  const n = whole(metrics.tokenCount, locale);
  return html`
    <span class="met" part="metrics">
      <span class="vh">${t("metrics.full", { s, r, n })}</span>
      <bdi aria-hidden="true" dir="ltr"
        >${t("metrics.ttft", { s })}<span class="lng">${t("metrics.ttftLong")}</span><i>·</i>${t("metrics.rate", { r })}<span class="lng"
          ><i>·</i>${t("metrics.tokens", { n })}</span
        ></bdi
      >
    </span>
  `;
}

export const messageStyles = css`
  .msg {
    display: flex;
    flex-direction: column;
    gap: 10px;
    min-width: 0;
    /* Room for what sticks out, which containment would cut off. */
    margin: -4px -10px;
    padding: 4px 10px;
    border-radius: 8px;
    contain-intrinsic-size: auto 160px;
  }
  /* Far from the end, what is out of sight costs nothing; its size is remembered once it was seen. */
  .msg:nth-last-child(n + 5) {
    content-visibility: auto;
  }
  .msg:focus-visible {
    outline-offset: -1px;
  }
  .user {
    align-items: flex-end;
  }
  .said {
    display: flex;
    align-items: center;
    justify-content: flex-end;
    gap: 4px;
    width: 100%;
  }
  .said .ib {
    width: 32px;
    height: 32px;
    color: var(--_muted);
  }
  .acts-on-hover time {
    align-self: center;
    padding-inline: 6px;
    color: var(--_muted);
    font-size: 0.8em;
    font-variant-numeric: tabular-nums;
    white-space: nowrap;
  }
  .latest:not(:hover, :focus-within) time {
    opacity: 0;
  }
  .along {
    display: flex;
    flex-wrap: wrap;
    justify-content: flex-end;
    gap: 6px;
    margin: 0 0 6px;
    padding: 0;
    list-style: none;
    font-size: 0.8em;
    color: var(--_muted);
  }
  .along li {
    padding: 2px 9px;
    border: 1px solid var(--_border);
    border-radius: 999px;
    overflow-wrap: anywhere;
  }
  .bub {
    max-width: min(85%, 560px);
    padding: 9px 14px;
    border-radius: 16px;
    border-end-end-radius: 5px;
    background: var(--_user);
    color: var(--_user-text);
    white-space: pre-wrap;
    overflow-wrap: anywhere;
  }
  .note {
    display: flex;
    align-items: center;
    gap: 6px;
    margin: 0;
    font-size: 0.8667em;
    color: var(--_muted);
  }
  .pending {
    display: flex;
    align-items: center;
    gap: 9px;
    min-height: 1.55em;
    margin: 0;
  }
  .pending > * {
    opacity: 0;
    animation: appear 0s 0.3s forwards;
  }
  .pending > .caret {
    margin: 0;
    animation:
      appear 0s 0.3s forwards,
      blink 1.1s steps(2, jump-none) 0.3s infinite;
  }
  .pending > .shim {
    animation:
      appear 0s 1.5s forwards,
      shimmer 1.8s linear infinite;
  }
  .md:empty {
    display: none;
  }
  .md:not(.live) .caret,
  .pre-in .caret {
    display: none;
  }
  .foot {
    display: flex;
    align-items: center;
    flex-wrap: wrap;
    gap: 0 2px;
    min-height: 32px;
    margin: -2px -7px 0;
    color: var(--_muted);
  }
  .foot .ib[aria-pressed="true"] {
    color: var(--_accent-text);
  }
  .foot .ib[aria-pressed="true"] .i {
    fill: color-mix(in oklab, currentColor 18%, transparent);
  }
  .foot .ib {
    width: 32px;
    height: 32px;
    color: var(--_muted);
  }
  .foot .ib:hover {
    color: var(--_text);
  }
  .acts-on-hover {
    display: flex;
    gap: 2px;
    opacity: 0;
    transition: opacity var(--_dur) var(--_ease);
  }
  .msg:is(.latest, :hover, :focus-within) .acts-on-hover {
    opacity: 1;
  }
  .met {
    margin-inline: auto 7px;
    font-size: 0.8em;
    font-variant-numeric: tabular-nums;
    white-space: nowrap;
  }
  .met i {
    margin-inline: 4px;
    font-style: normal;
  }
  @container chanl (max-width: 479px) {
    .met .lng,
    .said time {
      display: none;
    }
  }
  @container chanl (min-width: 760px) {
    .bub {
      max-width: 78%;
    }
  }
`;
