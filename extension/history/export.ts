/**
 * Everything a person may want to take along, as one JSON file, and back again. Tokens are not in it: they are kept elsewhere
 * (secrets.ts), and nothing here reads that place.
 */
import type { ActiveRun } from "../../shared/session/conversation-store.ts";
import type { Forks } from "../../shared/session/versions.ts";
import type { ChatMessage, MessagePart } from "../../shared/session/message.ts";
import { isPrompt } from "../prompts/prompts.ts";
import { loadSettings, pickSettings, saveSettings, type Settings } from "../settings.ts";
import { openHistory, tellHistory, type ConversationEntry, type StoredPrompt } from "./database.ts";

export interface ExportedConversation extends ConversationEntry {
  messages: readonly ChatMessage[];
  forks?: Forks;
}

export interface ExportFile {
  format: "chanl-chat";
  v: 1;
  conversations: ExportedConversation[];
  prompts: StoredPrompt[];
  settings: Settings;
}

export async function exportEverything(): Promise<ExportFile> {
  const history = await openHistory();
  const transaction = history.transaction(["conversations", "transcripts", "prompts"]);
  const [entries, transcripts, prompts] = await Promise.all([
    transaction.objectStore("conversations").getAll(),
    transaction.objectStore("transcripts").getAll(),
    transaction.objectStore("prompts").getAll(),
  ]);
  const said = new Map(transcripts.map(({ id, messages, forks }) => [id, { messages, ...(forks ? { forks } : {}) }]));
  return {
    format: "chanl-chat",
    v: 1,
    conversations: entries.map((entry) => ({ ...entry, ...(said.get(entry.id) ?? { messages: [] }) })),
    prompts,
    settings: await loadSettings(),
  };
}

export class ImportError extends Error {
  override readonly name = "ImportError";
}

/**
 * Adds what is in the file to what is here; the same conversation is replaced. All or nothing: a file with one wrong entry
 * changes nothing.
 * @throws ImportError with a sentence that says what is wrong.
 */
export async function importEverything(text: string): Promise<{ conversations: number; prompts: number }> {
  const { conversations, prompts, settings } = parseExport(text);
  const history = await openHistory();
  const transaction = history.transaction(["conversations", "transcripts", "prompts"], "readwrite");
  const active: ActiveRun | null = null;
  await Promise.all([
    ...conversations.flatMap(({ messages, forks, ...entry }) => [
      transaction.objectStore("conversations").put(entry),
      transaction
        .objectStore("transcripts")
        .put({ id: entry.id, savedAt: entry.updatedAt, v: 1, messages, active, ...(forks ? { forks } : {}) }),
    ]),
    ...prompts.map((prompt) => transaction.objectStore("prompts").put(prompt)),
    transaction.done,
  ]);
  await saveSettings(settings);
  for (const { id } of conversations) tellHistory({ type: "changed", id });
  return { conversations: conversations.length, prompts: prompts.length };
}

export function parseExport(text: string): ExportFile {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    throw new ImportError("This file is not JSON.");
  }
  if (!isRecord(file) || file["format"] !== "chanl-chat") throw new ImportError("This file is not an export of chanl-chat.");
  if (file["v"] !== 1) throw new ImportError(`This file has version ${String(file["v"])}; this extension reads version 1.`);
  const { conversations, prompts, settings } = file;
  if (!Array.isArray(conversations) || !Array.isArray(prompts)) throw new ImportError("This file is incomplete.");
  const read = conversations.map((entry: unknown, at) => {
    if (!isConversation(entry)) throw new ImportError(`Conversation ${at + 1} of this file is damaged.`);
    return pickConversation(entry);
  });
  prompts.forEach((prompt: unknown, at) => {
    if (!isPrompt(prompt)) throw new ImportError(`Prompt ${at + 1} of this file is damaged.`);
  });
  return {
    format: "chanl-chat",
    v: 1,
    conversations: read,
    prompts: (prompts as StoredPrompt[]).map(({ id, name, text: body }) => ({ id, name, text: body })),
    settings: pickSettings(isRecord(settings) ? settings : {}),
  };
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
const isOptionalString = (value: unknown): boolean => value === undefined || typeof value === "string";

function isConversation(value: unknown): value is ExportedConversation {
  return (
    isRecord(value) &&
    typeof value["id"] === "string" &&
    value["id"] !== "" &&
    typeof value["title"] === "string" &&
    Number.isFinite(value["createdAt"]) &&
    Number.isFinite(value["updatedAt"]) &&
    Array.isArray(value["messages"]) &&
    value["messages"].every(isMessage) &&
    (value["forks"] === undefined || isForks(value["forks"]))
  );
}

function isForks(value: unknown): value is Forks {
  return (
    isRecord(value) &&
    Object.values(value).every(
      (fork) =>
        isRecord(fork) &&
        Number.isInteger(fork["current"]) &&
        Array.isArray(fork["versions"]) &&
        fork["versions"].every((version: unknown) => Array.isArray(version) && version.every(isMessage)),
    )
  );
}

const STATUSES: ReadonlySet<unknown> = new Set(["queued", "pending", "streaming", "complete", "stopped", "interrupted", "error"]);
const TOOL_STATES: ReadonlySet<unknown> = new Set([
  "input-streaming",
  "running",
  "needs-approval",
  "complete",
  "failed",
  "denied",
  "cancelled",
  "unknown",
]);

function isMessage(value: unknown): value is ChatMessage {
  return (
    isRecord(value) &&
    typeof value["id"] === "string" &&
    (value["role"] === "user" || value["role"] === "assistant") &&
    STATUSES.has(value["status"]) &&
    Number.isFinite(value["createdAt"]) &&
    Array.isArray(value["parts"]) &&
    value["parts"].every(isPart)
  );
}

/** The shapes views rely on. What they show is text to them, whatever it holds. */
function isPart(value: unknown): value is MessagePart {
  if (!isRecord(value)) return false;
  switch (value["type"]) {
    case "text":
    case "reasoning":
      return typeof value["text"] === "string";
    case "tool_call":
      return (
        typeof value["id"] === "string" &&
        typeof value["name"] === "string" &&
        typeof value["argumentsText"] === "string" &&
        Number.isInteger(value["index"]) &&
        TOOL_STATES.has(value["state"]) &&
        isOptionalString(value["error"])
      );
    case "source":
      return (
        typeof value["id"] === "string" &&
        typeof value["title"] === "string" &&
        isOptionalString(value["url"]) &&
        isOptionalString(value["snippet"])
      );
    case "context":
      return (
        typeof value["id"] === "string" &&
        typeof value["title"] === "string" &&
        typeof value["url"] === "string" &&
        typeof value["text"] === "string" &&
        (value["image"] === undefined ||
          (typeof value["image"] === "string" && /^data:image\/(jpeg|png|webp);base64,/.test(value["image"])))
      );
    default:
      return false;
  }
}

function pickConversation({
  id,
  title,
  renamed,
  pinned,
  createdAt,
  updatedAt,
  messages,
  forks,
}: ExportedConversation): ExportedConversation {
  return {
    id,
    title,
    ...(renamed ? { renamed } : {}),
    ...(pinned ? { pinned } : {}),
    createdAt,
    updatedAt,
    messages,
    ...(forks ? { forks } : {}),
  };
}
