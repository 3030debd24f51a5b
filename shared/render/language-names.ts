/** The proper names of languages, by the words people write behind a fence. */

/** `Name=word word`, or a name that is its own word in lower case: what the rule below would write otherwise. */
const NAMES =
  "Bash=bash sh zsh;C++=cpp c++ cc;C#=csharp c# cs;Dart;Diff=diff patch;Go=go golang;GraphQL=graphql gql;Java;JavaScript=javascript js mjs cjs;" +
  "JSON=json jsonc json5;Kotlin=kotlin kt;LaTeX=latex tex;Lua;Markdown=markdown md;Objective-C=objc;Perl;PowerShell=powershell ps1;Python=python py;" +
  "Ruby=ruby rb;Rust=rust rs;Sass;Shell=shell console;Text=txt text;TypeScript=typescript ts;Vue;YAML=yaml yml;Zig";

const byWord = new Map<string, string>();
for (const entry of NAMES.split(";")) {
  const [name = "", words = name.toLowerCase()] = entry.split("=");
  for (const word of words.split(" ")) byWord.set(word, name);
}

/** "TypeScript" for `ts`. An unknown word is an abbreviation up to four letters (`css`, `toml`), else a name (`swift`). */
export function languageName(word: string): string {
  const known = byWord.get(word.toLowerCase());
  if (known !== undefined) return known;
  return word.length <= 4 ? word.toUpperCase() : word.slice(0, 1).toUpperCase() + word.slice(1);
}
