/** The question before a tool touches a page, drawn by the panel below the chat, where neither a page nor an answer can draw. */
import { html, nothing, type TemplateResult } from "lit";

import { t, type MessageKey } from "../i18n.ts";
import type { ApprovalQuestion, Approvals } from "../page/approvals.ts";

/** A card that appears under a pointer or a pressed key must not be answered by it. */
export const ARMS_AFTER_MS = 500;

const TITLES: Readonly<Record<string, MessageKey>> = {
  fill_field: "askFill",
  click: "askClick",
  screenshot: "askScreenshot",
};

let shown: ApprovalQuestion | null = null;
let shownAt = 0;

export function approvalCard(approvals: Approvals): TemplateResult | typeof nothing {
  const question = approvals.current;
  if (question !== shown) {
    shown = question;
    shownAt = performance.now();
  }
  if (!question) return nothing;
  const decide = (isApproved: boolean) => (event: Event) => {
    if (!event.isTrusted || (isApproved && performance.now() - shownAt < ARMS_AFTER_MS)) return;
    approvals.decide(question, isApproved);
  };
  const { control, value, image, origin, title, kind, tool } = question;
  return html`
    <section class="ask" role="group" aria-labelledby="ask-title" data-tool-call=${question.toolCallId}>
      <h2 id="ask-title">${t(kind === "read" ? "askRead" : (TITLES[tool] ?? "askAct"), origin)}</h2>
      <dl>
        <dt>${t("askSite")}</dt>
        <dd><bdi class="origin" dir="ltr">${origin}</bdi>${title ? html` <q dir="auto">${title}</q>` : nothing}</dd>
        ${
          control
            ? html`<dt>${t("askElement")}</dt>
                <dd>${control.role} <q dir="auto">${control.name}</q></dd>`
            : nothing
        }
        ${
          control?.to === undefined
            ? nothing
            : html`<dt>${t("askLeads")}</dt>
                <dd><bdi dir="ltr">${control.to}</bdi></dd>`
        }
        ${
          value === undefined
            ? nothing
            : html`<dt>${t("askValue")}</dt>
                <dd>
                  <div class="value" dir="auto" tabindex="0" role="group" aria-label=${t("askValue")}>${value}</div>
                </dd>`
        }
      </dl>
      ${image === undefined ? nothing : html`<img class="picture" src=${image} alt=${t("askPicture")} />`}
      ${kind === "read" ? html`<p>${t("askReadHint")}</p>` : nothing}
      <div class="row">
        ${approvals.count > 1 ? html`<span class="more">${t("askMore", approvals.count - 1)}</span>` : nothing}
        <button type="button" @click=${decide(false)}>${t("deny")}</button>
        <button type="button" class="primary" @click=${decide(true)}>${t("approve")}</button>
      </div>
    </section>
  `;
}
