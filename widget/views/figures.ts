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
