/**
 * Code to coloured tokens, with the grammars of highlight.js. A chunk of its own, loaded when the first code block is
 * complete; it touches no DOM and makes no HTML: highlight.js hands its tokens to the emitter below.
 */
import core from "highlight.js/lib/core";
import bash from "highlight.js/lib/languages/bash";
import c from "highlight.js/lib/languages/c";
import cpp from "highlight.js/lib/languages/cpp";
import csharp from "highlight.js/lib/languages/csharp";
import css from "highlight.js/lib/languages/css";
import diff from "highlight.js/lib/languages/diff";
import dockerfile from "highlight.js/lib/languages/dockerfile";
import go from "highlight.js/lib/languages/go";
import graphql from "highlight.js/lib/languages/graphql";
import ini from "highlight.js/lib/languages/ini";
import java from "highlight.js/lib/languages/java";
import javascript from "highlight.js/lib/languages/javascript";
import json from "highlight.js/lib/languages/json";
import kotlin from "highlight.js/lib/languages/kotlin";
import lua from "highlight.js/lib/languages/lua";
import markdown from "highlight.js/lib/languages/markdown";
import php from "highlight.js/lib/languages/php";
import python from "highlight.js/lib/languages/python";
import ruby from "highlight.js/lib/languages/ruby";
import rust from "highlight.js/lib/languages/rust";
import scss from "highlight.js/lib/languages/scss";
import shell from "highlight.js/lib/languages/shell";
import sql from "highlight.js/lib/languages/sql";
import swift from "highlight.js/lib/languages/swift";
import typescript from "highlight.js/lib/languages/typescript";
import xml from "highlight.js/lib/languages/xml";
import yaml from "highlight.js/lib/languages/yaml";

import type { CodeToken, HighlightedSlice, TokenKind } from "./tokens.ts";

/** The first word of a scope of highlight.js (https://highlightjs.readthedocs.io/en/latest/css-classes-reference.html) → what it is shown as. */
const KINDS: Readonly<Record<string, TokenKind>> = {
  keyword: "keyword",
  literal: "keyword",
  operator: "keyword",
  string: "string",
  regexp: "string",
  char: "string",
  link: "string",
  number: "number",
  symbol: "number",
  bullet: "number",
  comment: "comment",
  quote: "comment",
  meta: "comment",
  title: "title",
  section: "title",
  type: "type",
  built_in: "type",
  name: "name",
  attr: "name",
  attribute: "name",
  property: "name",
  variable: "name",
  addition: "addition",
  deletion: "deletion",
};

class TokenEmitter {
  readonly tokens: CodeToken[] = [];
  readonly #scopes: (TokenKind | null)[] = [];

  addText(text: string): void {
    const kind = this.#scopes.at(-1) ?? null;
    const last = this.tokens.at(-1);
    if (last && last.kind === kind) last.text += text;
    else if (text !== "") this.tokens.push({ text, kind });
  }

  startScope(scope: string): void {
    const word = scope.split(".")[0] ?? "";
    // A scope without a colour of its own (`subst`, `params`) shows as the text around strings and titles does: plain.
    this.#scopes.push(Object.hasOwn(KINDS, word) ? (KINDS[word] ?? null) : null);
  }

  endScope(): void {
    this.#scopes.pop();
  }

  openNode(scope: string): void {
    this.startScope(scope);
  }

  closeNode(): void {
    this.endScope();
  }

  __addSublanguage(emitter: TokenEmitter): void {
    for (const { text, kind } of emitter.tokens) {
      this.#scopes.push(kind);
      this.addText(text);
      this.#scopes.pop();
    }
  }

  finalize(): void {}

  toHTML(): string {
    return "";
  }
}

// An instance of our own: the page may use highlight.js itself, with other settings.
const hljs = core.newInstance();
hljs.configure({ __emitter: TokenEmitter });
for (const [name, grammar] of Object.entries({
  bash,
  c,
  cpp,
  csharp,
  css,
  diff,
  dockerfile,
  go,
  graphql,
  ini,
  java,
  javascript,
  json,
  kotlin,
  lua,
  markdown,
  php,
  python,
  ruby,
  rust,
  scss,
  shell,
  sql,
  swift,
  typescript,
  xml,
  yaml,
}))
  hljs.registerLanguage(name, grammar);

/**
 * The tokens of a piece of code that begins outside of any string or comment; null when the language is not known.
 * `open` says that the piece ends inside of one: then it must be read together with what follows.
 */
export function highlight(language: string, code: string): HighlightedSlice | null {
  if (!hljs.getLanguage(language)) return null;
  const result = hljs.highlight(code, { language, ignoreIllegals: true });
  return {
    tokens: (result._emitter as unknown as TokenEmitter).tokens,
    open: Boolean((result._top as { parent?: unknown } | undefined)?.parent),
  };
}
