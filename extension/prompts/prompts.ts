/** Slash commands: prompts of ours and of the person's own, and what their variables stand for. */
import { openHistory, type StoredPrompt } from "../history/database.ts";
import { t } from "../i18n.ts";

/** A command as it is typed: letters of any script, digits and dashes. */
export const PROMPT_NAME = /^[\p{L}\p{N}][\p{L}\p{N}-]{0,31}$/u;
export const MAX_PROMPT_CHARS = 10_000;

export const VARIABLES = ["selection", "page", "url", "title", "lang"] as const;
export type Variable = (typeof VARIABLES)[number];

const builtIn = (): StoredPrompt[] => [
  { id: "summarise", name: t("promptSummariseName"), text: t("promptSummarise") },
  { id: "explain", name: t("promptExplainName"), text: t("promptExplain") },
  { id: "translate", name: t("promptTranslateName"), text: t("promptTranslate") },
  { id: "reply", name: t("promptReplyName"), text: t("promptReply") },
];

/** The person's own first; one of theirs takes the place of ours of the same name. */
export async function listPrompts(): Promise<StoredPrompt[]> {
  const own = await openHistory()
    .then((database) => database.getAll("prompts"))
    .catch(() => []);
  const names = new Set(own.map(({ name }) => name));
  return [...own, ...builtIn().filter(({ name }) => !names.has(name))];
}

/** @throws RangeError for a name or a text that cannot be one. */
export async function savePrompt(prompt: StoredPrompt): Promise<void> {
  if (!isPrompt(prompt)) throw new RangeError(t("promptInvalid"));
  await (await openHistory()).put("prompts", prompt);
}

export async function deletePrompt(id: string): Promise<void> {
  await (await openHistory()).delete("prompts", id);
}

export function isPrompt(value: unknown): value is StoredPrompt {
  if (typeof value !== "object" || value === null) return false;
  const { id, name, text } = value as Partial<Record<keyof StoredPrompt, unknown>>;
  return (
    typeof id === "string" &&
    id !== "" &&
    typeof name === "string" &&
    PROMPT_NAME.test(name) &&
    typeof text === "string" &&
    text !== "" &&
    text.length <= MAX_PROMPT_CHARS
  );
}

/** The variables a prompt uses. */
export function variablesOf(text: string): Set<Variable> {
  return new Set([...text.matchAll(/\{\{\s*(\w+)\s*\}\}/g)].map(([, name]) => name as Variable).filter((name) => VARIABLES.includes(name)));
}

/** Fills in what is known, in one pass: what stands in a value is not looked at again. An unknown `{{word}}` stays as it is. */
export function fillIn(text: string, values: Readonly<Record<Variable, string>>): string {
  return text.replace(/\{\{\s*(\w+)\s*\}\}/g, (hole, name: string) => (Object.hasOwn(values, name) ? values[name as Variable] : hole));
}
