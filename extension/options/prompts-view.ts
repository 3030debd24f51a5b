/** The prompt library: the person's own slash commands. */
import { html, nothing, render } from "lit";

import { openHistory, type StoredPrompt } from "../history/database.ts";
import { t } from "../i18n.ts";
import { deletePrompt, MAX_PROMPT_CHARS, savePrompt } from "../prompts/prompts.ts";

export async function promptsView(host: HTMLElement, problem = ""): Promise<void> {
  const prompts = await (await openHistory()).getAll("prompts");
  const save = async (event: SubmitEvent, id: string): Promise<void> => {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const value = (name: string): string =>
      form.querySelector<HTMLInputElement | HTMLTextAreaElement>(`[name=${name}]`)?.value.trim() ?? "";
    const prompt: StoredPrompt = { id, name: value("name").replace(/^\//, ""), text: value("text") };
    try {
      await savePrompt(prompt);
      form.reset();
      await promptsView(host);
    } catch (error) {
      await promptsView(host, error instanceof RangeError ? error.message : t("storageFull"));
    }
  };
  const form = (prompt: StoredPrompt | null) => html`
    <form class="prompt" @submit=${(event: SubmitEvent) => void save(event, prompt?.id ?? crypto.randomUUID())}>
      <label>${t("promptName")} <input name="name" maxlength="33" .value=${prompt?.name ?? ""} /></label>
      <label
        >${t("promptText")} <textarea name="text" rows="3" maxlength=${MAX_PROMPT_CHARS} dir="auto" .value=${prompt?.text ?? ""}></textarea>
      </label>
      <div class="actions">
        <button type="submit">${t(prompt ? "save" : "addPrompt")}</button>
        ${prompt ? html`<button type="button" @click=${() => void deletePrompt(prompt.id).then(() => promptsView(host))}>${t("delete")}</button>` : nothing}
      </div>
    </form>
  `;
  render(
    html`${prompts.map(form)} ${form(null)}
      <p class="error" role="alert">${problem}</p>`,
    host,
  );
}
