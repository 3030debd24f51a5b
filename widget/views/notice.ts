/** Above the composer: that the connection is gone, or that this is a conversation of another day. */
import { nothing, type TemplateResult } from "lit";

import type { SessionSnapshot } from "../../shared/session/chat-session.ts";
import { icons } from "../icons.ts";
import type { Translate } from "../strings.ts";
import { bannerView, busyBannerView } from "./banner.ts";
import { dayOf, daysBetween, timeOf } from "./figures.ts";

/** A conversation that rested longer is worth saying that it is an old one, in ms. */
const OLD_AFTER_MS = 3_600_000;

export interface NoticeView {
  t: Translate;
  locale: string;
  snapshot: SessionSnapshot;
  /** For long enough to say so. */
  reconnecting: boolean;
  offline: boolean;
  /** That it is an old conversation was answered. */
  restoredSeen: boolean;
  onNew: () => void;
}

export function noticeView({
  t,
  locale,
  snapshot,
  reconnecting,
  offline,
  restoredSeen,
  onNew,
}: NoticeView): TemplateResult | typeof nothing {
  const { reconnect, messages, restored, isStreaming } = snapshot;
  if (reconnecting && reconnect) {
    const text = `${t("net.attempt", { i: reconnect.attempt, n: reconnect.maxAttempts })}. ${t("net.continues")}`;
    return busyBannerView({ kind: "warn", title: t("net.reconnecting"), text });
  }
  if (offline) return bannerView({ kind: "warn", icon: icons.offline(), title: t("net.offline"), text: t("net.offlineText") });
  const last = messages.at(-1)?.createdAt ?? Date.now();
  if (!restored || isStreaming || restoredSeen || Date.now() - last < OLD_AFTER_MS) return nothing;
  const time = timeOf(last, locale);
  const days = daysBetween(last, Date.now());
  const day = days === 0 ? "" : days === 1 ? t("log.yesterday") : dayOf(last, locale);
  return bannerView({
    kind: "info",
    icon: icons.clock(),
    title: t("restore.title"),
    text: t("restore.text", { when: day ? `${day}, ${time}` : time }),
    actions: [{ label: t("restore.new"), run: onNew }],
  });
}
