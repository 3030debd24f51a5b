/** Reads an answer aloud with the browser's own voices: sentence by sentence, because long utterances are cut off in Chromium. */

const LONGEST = 200;

export interface Reading {
  stop(): void;
}

/** @param ended called once, when it has been read, was stopped or could not be read */
export function readAloud(text: string, language: string, ended: () => void): Reading {
  const pieces = piecesOf(text, language);
  let isOver = false;
  const end = (): void => {
    if (isOver) return;
    isOver = true;
    speechSynthesis.cancel();
    ended();
  };
  const next = (): void => {
    const piece = pieces.shift();
    if (isOver) return;
    if (piece === undefined) return end();
    const utterance = new SpeechSynthesisUtterance(piece);
    utterance.lang = language;
    utterance.onend = next;
    utterance.onerror = end;
    speechSynthesis.speak(utterance);
  };
  speechSynthesis.cancel();
  next();
  return { stop: end };
}

/** Sentences; a longer one is cut between words. */
export function piecesOf(text: string, language: string): string[] {
  const pieces: string[] = [];
  for (const { segment } of new Intl.Segmenter(language, { granularity: "sentence" }).segment(text)) {
    let rest = segment.trim();
    while (rest.length > LONGEST) {
      const at = rest.lastIndexOf(" ", LONGEST);
      const end = at > 0 ? at : LONGEST;
      pieces.push(rest.slice(0, end).trim());
      rest = rest.slice(end).trim();
    }
    if (rest) pieces.push(rest);
  }
  return pieces;
}
