/** Numbers as people read them. */

const formats = new Map<string, Intl.NumberFormat>();

function format(locale: string, digits: number): Intl.NumberFormat {
  const key = `${locale} ${digits}`;
  let found = formats.get(key);
  if (!found) {
    try {
      found = new Intl.NumberFormat(locale || undefined, { minimumFractionDigits: digits, maximumFractionDigits: digits });
    } catch {
      // A `lang` that is no language tag.
      found = new Intl.NumberFormat(undefined, { minimumFractionDigits: digits, maximumFractionDigits: digits });
    }
    formats.set(key, found);
  }
  return found;
}

/** Milliseconds as seconds: 310 → "0.31" with two digits. */
export const seconds = (ms: number, locale: string, digits = 1): string => format(locale, digits).format(ms / 1000);

export const whole = (value: number, locale: string): string => format(locale, 0).format(value);

const clocks = new Map<string, Intl.DateTimeFormat>();

function clock(locale: string, name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${locale} ${name}`;
  let found = clocks.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat(locale, options);
    clocks.set(key, found);
  }
  return found;
}

/** "16:42", as the language writes it. */
export const timeOf = (ms: number, locale: string): string => clock(locale, "time", { hour: "numeric", minute: "2-digit" }).format(ms);

/** "3 October 2025". */
export const dayOf = (ms: number, locale: string): string => clock(locale, "day", { dateStyle: "long" }).format(ms);

/** Whole days from one moment's day to another's, by the visitor's calendar. */
export function daysBetween(from: number, to: number): number {
  const midnight = (ms: number): number => new Date(ms).setHours(0, 0, 0, 0);
  return Math.round((midnight(to) - midnight(from)) / 86_400_000);
}
