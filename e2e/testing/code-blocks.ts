/** Code blocks of a page of the docs, and which of them a test has run. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expect } from "vitest";

import { root } from "./gateway-process.ts";

export interface CodeBlock {
  language: string;
  code: string;
}

export interface CodeBlocks {
  /** The only block of the language that holds `sign`; marked as run. */
  take(language: string, sign: string): string;
  /** Blocks no test has taken. */
  left(): string[];
}

/** @param path from the repository's root */
export function codeBlocks(path: string): CodeBlocks {
  const blocks: CodeBlock[] = [...readFileSync(join(root, path), "utf8").matchAll(/^```(\w+)\n([^]*?)^```$/gm)].map(
    ([, language, code]) => ({
      language: language!,
      code: code!,
    }),
  );
  const taken = new Set<CodeBlock>();
  return {
    take(language, sign) {
      const found = blocks.filter((block) => block.language === language && block.code.includes(sign));
      expect(found, `blocks of ${path} in ${language} with ${sign}`).toHaveLength(1);
      taken.add(found[0]!);
      return found[0]!.code;
    },
    left: () => blocks.filter((block) => !taken.has(block)).map(({ code }) => code),
  };
}
