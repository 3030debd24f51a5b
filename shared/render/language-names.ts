/** The proper names of languages, by the words people write behind a fence. */

/** Names, each with the other words for it. Only where the rule below would write something else. */
const NAMES =
  "Bash sh zsh;C++ cpp cc;C# csharp cs;Dart;Diff patch;Go golang;GraphQL gql;Java;JavaScript js mjs cjs;JSON jsonc json5;Kotlin kt;" +
  "LaTeX tex;Lua;Markdown md;Objective-C objc;Perl;PowerShell ps1;Python py;Ruby rb;Rust rs;Sass;Shell console;Text txt;TypeScript ts;Vue;" +
  "YAML yml;Zig";

const byWord = new Map<string, string>();
for (const entry of NAMES.split(";")) {
  const [name = ""] = entry.split(" ");
  for (const word of entry.toLowerCase().split(" ")) byWord.set(word, name);
}

/** "TypeScript" for `ts`. An unknown word is an abbreviation up to four letters (`css`, `toml`), else a name (`swift`). */
export function languageName(word: string): string {
  const capitals = word.length > 4 ? 1 : 4;
  return byWord.get(word.toLowerCase()) ?? word.slice(0, capitals).toUpperCase() + word.slice(capitals);
}
