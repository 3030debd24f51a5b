/**
 * The model that needs no key and no network: it searches the docs and quotes them. It is extractive; there is no language model in it.
 * Its first turn calls the tool `search_docs`, which the tool loop runs; its second writes the answer from the tool's result.
 */
import { setTimeout as wait } from "node:timers/promises";

import type { StreamChunk } from "../../shared/protocol/chunk.ts";
import type { RequestMessage } from "../../shared/protocol/request.ts";
import { withoutContext } from "../../shared/session/context.ts";
import { SEARCH_DOCS, type SearchDocsAnswer, type SearchDocsPassage } from "./docs-passages.ts";
import { splitBlocks } from "./markdown-sections.ts";
import type { ModelTurn, Provider } from "./provider.ts";
import { terms } from "./search-terms.ts";

export interface DocsGuideOptions {
  /** Pace of the answer. 0 writes it at once. @defaultValue `160` */
  tokensPerSecond?: number | undefined;
  /** Wait between two fragments of the call's arguments, in ms: long enough to be seen. @defaultValue `15` */
  fragmentMs?: number | undefined;
  /** Three questions to begin with. */
  suggestions?: (() => readonly string[]) | undefined;
}

/** Longest first passage, in characters; a code block that begins before it is kept whole. */
const PASSAGE_CHARS = 1400;
const SECOND_PASSAGE_CHARS = 500;
/** A second passage is quoted when it scores at least this part of the first. */
const SECOND_PASSAGE_SCORE = 0.75;
const QUERY_CHARS = 200;
const FRAGMENT_CHARS = 7;

const GREETING =
  /^(hi+|hello|hey|hallo|good (morning|afternoon|evening)|yo|howdy|thanks?( you)?|thx|ok(ay)?|great|cool|bye|who are you|what are you|what is this|what can (you|i) (do|ask)|help( me)?|how are you)( (there|all|again|everyone|very much|a lot|so much))?$/i;

export class DocsGuideProvider implements Provider {
  readonly name = "docs-guide";
  readonly #tokensPerSecond: number;
  readonly #fragmentMs: number;
  readonly #suggestions: () => readonly string[];

  constructor(options: DocsGuideOptions = {}) {
    this.#tokensPerSecond = options.tokensPerSecond ?? 160;
    this.#fragmentMs = options.fragmentMs ?? 15;
    this.#suggestions = options.suggestions ?? (() => []);
  }

  async *stream(turn: ModelTurn): AsyncGenerator<StreamChunk, void, undefined> {
    try {
      const last = turn.messages.at(-1);
      if (last?.role === "tool") yield* this.#say(answerFrom(last.content), turn.signal);
      else if (isSmallTalk(lastQuestion(turn.messages))) yield* this.#say(introduction(this.#suggestions()), turn.signal);
      else if (turn.tools.some((tool) => tool.name === SEARCH_DOCS)) {
        yield* this.#callSearch(turn);
        return;
      } else yield* this.#say("This agent has no docs to search, and `docs-guide` can do nothing else.", turn.signal);
      yield { type: "done", reason: "stop" };
    } catch (error) {
      if (!turn.signal.aborted) throw error;
      yield { type: "cancelled", reason: "user" };
    }
  }

  async *#callSearch(turn: ModelTurn): AsyncGenerator<StreamChunk, void, undefined> {
    const input = { query: searchQuery(turn.messages), limit: 5 };
    const text = JSON.stringify(input);
    const id = `call_${crypto.randomUUID().replaceAll("-", "").slice(0, 24)}`;
    yield { type: "tool_call_delta", index: 0, id, name: SEARCH_DOCS, arguments: "" };
    for (let start = 0; start < text.length; start += FRAGMENT_CHARS) {
      if (this.#fragmentMs > 0) await wait(this.#fragmentMs, undefined, { signal: turn.signal });
      yield { type: "tool_call_delta", index: 0, arguments: text.slice(start, start + FRAGMENT_CHARS) };
    }
    yield { type: "tool_call", index: 0, id, name: SEARCH_DOCS, arguments: input, runsOn: "server" };
    yield { type: "done", reason: "tool_calls" };
  }

  /** Word by word. The pace is kept against the clock, so a late timer does not add up. */
  async *#say(text: string, signal: AbortSignal): AsyncGenerator<StreamChunk, void, undefined> {
    const started = performance.now();
    let sent = 0;
    for (const [content] of text.matchAll(/\s*\S{1,12}/gu)) {
      if (this.#tokensPerSecond > 0) {
        const due = (sent / this.#tokensPerSecond) * 1000 - (performance.now() - started);
        if (due > 1) await wait(due, undefined, { signal });
      }
      signal.throwIfAborted();
      sent += 1;
      yield { type: "token", content };
    }
  }
}

function lastQuestion(messages: readonly RequestMessage[]): string {
  return withoutContext(messages.findLast((message) => message.role === "user")?.content ?? "").trim();
}

function isSmallTalk(question: string): boolean {
  const bare = question
    .replace(/[^\p{L}\p{N}\s]/gu, "")
    .replace(/\s+/g, " ")
    .trim();
  return bare === "" || GREETING.test(bare);
}

/** The question; a follow-up of one word ("and React?") is searched together with the question before it. */
function searchQuery(messages: readonly RequestMessage[]): string {
  const questions = messages.filter((message) => message.role === "user").map((message) => withoutContext(message.content));
  const last = questions.at(-1) ?? "";
  const before = questions.at(-2);
  const isFollowUp =
    before !== undefined && !isSmallTalk(before) && /^(and|what about|how about|or)\b/i.test(last.trim()) && terms(last).length < 3;
  return (isFollowUp ? `${last} ${before}` : last).replace(/\s+/g, " ").trim().slice(0, QUERY_CHARS);
}

function introduction(suggestions: readonly string[]): string {
  const list = suggestions.slice(0, 3).map((suggestion) => `- ${suggestion}`);
  return [
    "Hello. I am **docs-guide**: a full-text search over these docs that answers with the passages it finds. There is no language model in me, so I quote and never make things up.",
    ...(list.length > 0 ? [`You can ask, for example:\n\n${list.join("\n")}`] : []),
  ].join("\n\n");
}

function answerFrom(toolContent: string): string {
  const answer = parseAnswer(toolContent);
  if (!answer) return "The search in the docs failed, so I have no answer. Please try again.";
  const [best, ...rest] = answer.hits;
  if (!best) return nothingFound(answer);
  const parts = [
    `**${best.heading}** in ${reference(best, best.title)} answers this most closely [${best.id}]:`,
    passage(best.text, PASSAGE_CHARS),
  ];
  const [second] = rest;
  const others = [...rest];
  if (second && second.score >= best.score * SECOND_PASSAGE_SCORE) {
    others.shift();
    parts.push(`**${second.heading}** adds [${second.id}]:`, passage(second.text, SECOND_PASSAGE_CHARS));
  }
  if (others.length > 0) parts.push(`**See also**\n\n${others.map((hit) => `- ${reference(hit)} [${hit.id}]`).join("\n")}`);
  return parts.join("\n\n");
}

function nothingFound({ query, nearest }: SearchDocsAnswer): string {
  const asked = query.replace(/[`*_[\]<>]/g, "").slice(0, 80);
  const lead = `I found nothing about “${asked}” in these docs. I only search them, so I cannot answer from anywhere else.`;
  return nearest.length === 0
    ? lead
    : `${lead}\n\nThe nearest headings are:\n\n${nearest.map((section) => `- ${reference(section)}`).join("\n")}`;
}

function reference(section: { title: string; heading: string; url?: string }, label?: string): string {
  const text = label ?? (section.heading === section.title ? section.title : `${section.title}: ${section.heading}`);
  return section.url ? `[${text}](${section.url})` : text;
}

/** The first blocks of a section, whole: a code block or a table cut in half is worth nothing. */
function passage(text: string, chars: number): string {
  const kept: string[] = [];
  let length = 0;
  for (const block of splitBlocks(text)) {
    if (kept.length > 0 && length + block.length > chars) break;
    kept.push(block);
    length += block.length;
  }
  return kept.join("\n\n");
}

function parseAnswer(content: string): SearchDocsAnswer | null {
  try {
    const value: unknown = JSON.parse(content);
    return isAnswer(value) ? value : null;
  } catch {
    return null;
  }
}

function isAnswer(value: unknown): value is SearchDocsAnswer {
  if (typeof value !== "object" || value === null) return false;
  const { query, hits, nearest } = value as Partial<Record<string, unknown>>;
  return (
    typeof query === "string" &&
    Array.isArray(hits) &&
    Array.isArray(nearest) &&
    hits.every((hit: Partial<SearchDocsPassage>) => typeof hit?.text === "string")
  );
}
