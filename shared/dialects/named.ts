import { agUiDialect } from "./ag-ui.ts";
import { aiSdkUiDialect } from "./ai-sdk-ui.ts";
import { anthropicDialect } from "./anthropic.ts";
import { chanlDialect } from "./chanl.ts";
import type { Dialect, DialectName } from "./dialect.ts";
import { geminiDialect } from "./gemini.ts";
import { ollamaDialect } from "./ollama.ts";
import { openaiChatDialect } from "./openai-chat.ts";
import { openaiResponsesDialect } from "./openai-responses.ts";

const DIALECTS: Record<DialectName, Dialect> = {
  chanl: chanlDialect,
  "openai-chat": openaiChatDialect,
  "openai-responses": openaiResponsesDialect,
  anthropic: anthropicDialect,
  gemini: geminiDialect,
  ollama: ollamaDialect,
  "ai-sdk-ui": aiSdkUiDialect,
  "ag-ui": agUiDialect,
};

/** The dialect of this name. @throws TypeError when there is none: a caller's mistake. */
export function namedDialect(name: string): Dialect {
  if (!Object.hasOwn(DIALECTS, name)) {
    throw new TypeError(`readChunks: unknown dialect "${name}". Known: ${Object.keys(DIALECTS).join(", ")}, auto`);
  }
  return DIALECTS[name as DialectName];
}
