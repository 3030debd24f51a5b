/** The messages of the log: each drawn anew only when it, or something it shows, has changed; between the days a divider. */
import { css, html, type TemplateResult } from "lit";
import { guard } from "lit/directives/guard.js";
import { repeat } from "lit/directives/repeat.js";

import type { ChatMessage } from "../../shared/session/message.ts";
import type { Translate } from "../strings.ts";
import { dayOf, daysBetween } from "./figures.ts";
import { type MessageContext, messageView } from "./message.ts";

/** @param from position of the first of `shown` in the whole conversation */
export function conversationView(shown: readonly ChatMessage[], from: number, context: MessageContext): unknown {
  const { isStreaming, lazy, disclosures, t, locale, name, level, showMetrics, feedback, readAloud, limitedUntil, renderers } = context;
  const last = shown.length - 1;
  const isDated = shown.some(({ createdAt }) => daysBetween(createdAt, Date.now()) !== 0);
  return repeat(
    shown,
    (message) => message.id,
    (message, index) => {
      const latest = !isStreaming && index === last;
      const own = [context.copied, context.editing, context.reading, context.canRetry].map((id) => id === message.id);
      const fork = message.forkId === undefined ? null : context.forks[message.forkId];
      const before = shown[index - 1];
      const isNewDay = isDated && (!before || daysBetween(before.createdAt, message.createdAt) !== 0);
      const shared = [
        lazy.version,
        disclosures.version,
        t,
        locale,
        name,
        level,
        showMetrics,
        feedback,
        readAloud,
        renderers,
        latest && limitedUntil,
      ];
      return guard([message, from + index, latest, isNewDay, fork, fork && isStreaming, ...own, ...shared], () => [
        isNewDay ? dayView(message.createdAt, t, locale) : "",
        messageView({ message, at: from + index, latest }, context),
      ]);
    },
  );
}

function dayView(at: number, t: Translate, locale: string): TemplateResult {
  const days = daysBetween(at, Date.now());
  const label = days === 0 ? t("log.today") : days === 1 ? t("log.yesterday") : dayOf(at, locale);
  return html`<div class="day" part="day"><time datetime=${new Date(at).toISOString().slice(0, 10)}>${label}</time></div>`;
}

export const conversationStyles = css`
  .day {
    display: flex;
    align-items: center;
    gap: 14px;
    font-size: 0.8667em;
    color: var(--_muted);
  }
  .day::before,
  .day::after {
    content: "";
    flex: 1;
    border-top: 1px solid var(--_border);
  }
`;
