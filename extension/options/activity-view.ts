/** What the agent's tools did on pages, newest first. */
import { html, render } from "lit";

import { t } from "../i18n.ts";
import { auditEntries } from "../page/audit.ts";

export async function activityView(host: HTMLElement): Promise<void> {
  const entries = await auditEntries();
  const time = new Intl.DateTimeFormat(chrome.i18n.getUILanguage(), { dateStyle: "short", timeStyle: "medium" });
  render(
    entries.length === 0
      ? html`<p>${t("noActivity")}</p>`
      : html`<div class="scroll" tabindex="0" role="group" aria-label=${t("activity")}>
          <table>
            <thead>
              <tr>
                <th>${t("logTime")}</th>
                <th>${t("logTool")}</th>
                <th>${t("askSite")}</th>
                <th>${t("askElement")}</th>
                <th>${t("logDecision")}</th>
                <th>${t("logOutcome")}</th>
              </tr>
            </thead>
            <tbody>
              ${entries.map(
                ({ at, tool, origin, element = "", value, decision, outcome }) =>
                  html`<tr>
                    <td>${time.format(at)}</td>
                    <td><code>${tool}</code></td>
                    <td><bdi dir="ltr">${origin}</bdi></td>
                    <td dir="auto">${element}${value === undefined ? "" : ` ← “${value.slice(0, 200)}”`}</td>
                    <td>${t(`decision_${decision}`)}</td>
                    <td dir="auto">${outcome === "done" ? t("outcomeDone") : outcome === "begun" ? t("outcomeBegun") : outcome}</td>
                  </tr>`,
              )}
            </tbody>
          </table>
        </div>`,
    host,
  );
}
