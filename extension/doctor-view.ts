/** What the doctor found, in words, with the fix to copy. Used in the panel and in the options. */
import { html, nothing, render } from "lit";

import { diagnose, diagnoseStreaming, showsCertificateWarning, type Diagnosis, type DoctorOptions, type Finding } from "./doctor.ts";
import { t, type MessageKey } from "./i18n.ts";
import { loadToken } from "./secrets.ts";
import { serverPattern, type Settings } from "./settings.ts";

const WORDS: Record<Finding, MessageKey> = {
  ok: "doctorOk",
  refused: "doctorRefused",
  cors: "doctorCors",
  origin: "doctorOrigin",
  token: "doctorToken",
  tls: "doctorTls",
  buffering: "doctorBuffering",
  path: "doctorPath",
};

/** What Chrome's permission for this one server mends, or helps to tell. */
const ACCESS_HELPS: ReadonlySet<Finding> = new Set(["cors", "refused"]);

export function doctorView(host: HTMLElement, { server, agentId }: Pick<Settings, "server" | "agentId">): void {
  let diagnosis: Diagnosis | null = null;
  let isBusy = false;
  let mayAccess = false;
  let isClosed = false;

  const run = async (ask: (options: DoctorOptions) => Promise<Diagnosis>): Promise<void> => {
    isBusy = true;
    draw();
    mayAccess = await chrome.permissions.contains({ origins: [serverPattern(server)] });
    const options = { server, agentId, token: await loadToken(server), extensionId: chrome.runtime.id, showsCertificateWarning };
    diagnosis = await ask(options).catch((): Diagnosis => ({ finding: "refused", fix: `curl -i ${server}/healthz` }));
    isBusy = false;
    draw();
  };
  const allow = async (): Promise<void> => {
    // In the click itself: Chrome asks only then, and for this one server only.
    const isAllowed = await chrome.permissions.request({ origins: [serverPattern(server)] });
    if (isAllowed) await run(diagnose);
  };
  const close = (): void => {
    isClosed = true;
    host.querySelector("dialog")?.close();
    render(nothing, host);
  };
  const draw = (): void => {
    if (isClosed) return;
    render(
      html`<dialog class="doctor" aria-label=${t("doctor")} @cancel=${close}>
        <div class="row">
          <h2>${t("doctor")}</h2>
          <button type="button" aria-label=${t("close")} @click=${close}>×</button>
        </div>
        <p><bdi dir="ltr">${server}</bdi></p>
        <div role="status">
          ${isBusy ? html`<p>${t("doctorBusy")}</p>` : nothing}
          ${
            !isBusy && diagnosis
              ? html`<p data-finding=${diagnosis.finding}>${t(WORDS[diagnosis.finding], server, chrome.runtime.id)}</p>
                  ${
                    diagnosis.fix
                      ? html`<div class="fix">
                          <code dir="ltr">${diagnosis.fix}</code>
                          <button type="button" @click=${() => void navigator.clipboard.writeText(diagnosis?.fix ?? "")}>
                            ${t("copy")}
                          </button>
                        </div>`
                      : nothing
                  }`
              : nothing
          }
        </div>
        <div class="row">
          ${
            !isBusy && diagnosis && !mayAccess && ACCESS_HELPS.has(diagnosis.finding)
              ? html`<button type="button" class="primary" @click=${() => void allow()}>${t("allowServer", new URL(server).host)}</button>`
              : nothing
          }
          ${
            !isBusy && diagnosis?.finding === "ok"
              ? html`<button type="button" @click=${() => void run(diagnoseStreaming)}>${t("doctorStream")}</button>`
              : nothing
          }
          <button type="button" ?disabled=${isBusy} @click=${() => void run(diagnose)}>${t("again")}</button>
        </div>
      </dialog>`,
      host,
    );
  };
  draw();
  host.querySelector("dialog")?.showModal();
  void run(diagnose);
}
