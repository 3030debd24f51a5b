/** Offset after the run of `char` that begins at `offset`, which is `offset` itself when there is none. */
export function endOfRun(text: string, char: string, offset: number): number {
  while (text[offset] === char) offset++;
  return offset;
}

/** `text` without what stands at its end of `characters`. By hand: a pattern would go back over every run of spaces. */
export function withoutEnd(text: string, characters: string): string {
  let end = text.length;
  while (end > 0 && characters.includes(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}
