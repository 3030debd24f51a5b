/** Text → the terms it is found by: words, lower case, without accents, common words and endings. English endings; other languages match whole words. */

const WORD = /[\p{L}\p{N}]+(?:[-_.][\p{L}\p{N}]+)*/gu;

const COMMON = new Set(
  (
    "a about actually an and any anyone are as at be been but by can could did do does doing for from get give had has have hello help hey hi how i if in into is it its " +
    "just let like look make many may me might much must my need not of off on one or our out please show should so some tell than that the their them then there " +
    "these they this those to too us using use used up very want was way we were what when where which who whose why will with without work works would you your explain"
  ).split(" "),
);

/** Words of a text; `agent-id` is found as a whole and by its parts. */
export function words(text: string): string[] {
  const found: string[] = [];
  for (const [word] of text.matchAll(WORD)) {
    found.push(word);
    const parts = word.split(/[-_.]/);
    if (parts.length > 1) found.push(...parts);
    // sendMessage is found by "send message" too.
    const humps = word.split(/(?<=\p{Ll})(?=\p{Lu})/u);
    if (humps.length > 1) found.push(...humps);
  }
  return found;
}

/** The term of one word; `null` for a word too common to tell anything. */
export function toTerm(word: string): string | null {
  const lower = word.toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "");
  if (COMMON.has(lower) || (lower.length < 2 && !/\p{N}/u.test(lower))) return null;
  return stem(lower);
}

/** The distinct terms of a text, in order. */
export function terms(text: string): string[] {
  const found = new Set<string>();
  for (const word of words(text)) {
    const term = toTerm(word);
    if (term !== null) found.add(term);
  }
  return [...found];
}

/** Takes the commonest English endings off, so that `embedding`, `embedded` and `embed` are one term. */
function stem(word: string): string {
  if (word.length < 4 || !/^[a-z]+$/.test(word)) return word;
  let base = word;
  if (base.endsWith("ies") && base.length > 4) base = `${base.slice(0, -3)}y`;
  else if (base.endsWith("sses")) base = base.slice(0, -2);
  else if (/[^sui]s$/.test(base)) base = base.slice(0, -1);
  if (base.length > 7 && base.endsWith("ation")) base = undouble(base.slice(0, -5));
  else if (base.length > 5 && base.endsWith("ing")) base = undouble(base.slice(0, -3));
  else if (base.length > 4 && base.endsWith("ed")) base = undouble(base.slice(0, -2));
  else if (base.length > 5 && base.endsWith("ment")) base = base.slice(0, -4);
  return base.length > 4 && base.endsWith("e") ? base.slice(0, -1) : base;
}

function undouble(word: string): string {
  return /([^aeiouls])\1$/.test(word) || word.endsWith("ll") ? word.slice(0, -1) : word;
}
