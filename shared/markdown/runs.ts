/** Offset after the run of `char` that begins at `offset`, which is `offset` itself when there is none. */
export function endOfRun(text: string, char: string, offset: number): number {
  while (text[offset] === char) offset++;
  return offset;
}
