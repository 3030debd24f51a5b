/**
 * One accent colour in; the colours that must stay readable on it and in it out. Lightness moves in OKLCH, so that the hue one
 * chose is kept; chroma gives way where the screen has no such colour.
 */

export type Rgb = readonly [number, number, number];
type Oklch = readonly [lightness: number, chroma: number, hue: number];

/** Parses `#rgb` and `#rrggbb`; anything else is no accent. */
export function parseHex(value: string): Rgb | null {
  const match = /^#?([\da-f]{3}|[\da-f]{6})$/i.exec(value.trim());
  if (!match?.[1]) return null;
  const hex = match[1].length === 3 ? match[1].replace(/./g, "$&$&") : match[1];
  return [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as unknown as Rgb;
}

const linear = (channel: number): number => {
  const c = channel / 255;
  return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
};
const gamma = (c: number): number => 255 * (c <= 0.0031308 ? 12.92 * c : 1.055 * c ** (1 / 2.4) - 0.055);

/** The contrast ratio of two colours as WCAG 2 defines it, 1 to 21. */
export function contrast(a: Rgb, b: Rgb): number {
  const [x, y] = [a, b].map(([red, green, blue]) => 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)) as [
    number,
    number,
  ];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

// Björn Ottosson's OKLab, https://bottosson.github.io/posts/oklab/
function toOklch(rgb: Rgb): Oklch {
  const [r, g, b] = rgb.map(linear) as unknown as Rgb;
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  const a = 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s;
  const c = 0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s;
  return [0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s, Math.hypot(a, c), Math.atan2(c, a)];
}

/** The colour, with as much of its chroma as the screen has. */
function toRgb([lightness, chroma, hue]: Oklch): Rgb {
  for (let share = 1; share > 0; share -= 0.05) {
    const a = chroma * share * Math.cos(hue);
    const b = chroma * share * Math.sin(hue);
    const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
    const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
    const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
    const rgb = [
      4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
      -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
      -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
    ];
    if (rgb.every((c) => c >= -0.001 && c <= 1.001))
      return rgb.map((c) => Math.round(gamma(Math.min(1, Math.max(0, c))))) as unknown as Rgb;
  }
  const grey = Math.round(gamma(Math.min(1, Math.max(0, lightness)) ** 3));
  return [grey, grey, grey];
}

/** Moves the lightness towards `pole` until the ratio on every ground is reached. */
function readable(colour: Rgb, grounds: readonly Rgb[], pole: 0 | 1, ratio: number): Rgb {
  const isEnough = (rgb: Rgb): boolean => grounds.every((ground) => contrast(rgb, ground) >= ratio);
  if (isEnough(colour)) return colour;
  const [lightness, chroma, hue] = toOklch(colour);
  for (let step = 1; step < 100; step += 1) {
    const moved = toRgb([lightness + ((pole - lightness) * step) / 100, chroma, hue]);
    if (isEnough(moved)) return moved;
  }
  return pole === 0 ? BLACK : WHITE;
}

const WHITE: Rgb = [255, 255, 255];
const BLACK: Rgb = [0, 0, 0];
/** The grounds the accent stands on in each theme: `--chanl-bg`, `--chanl-surface`, `--chanl-raised`. */
const GROUNDS = {
  light: ["#ffffff", "#f6f7f9", "#eceef2"].map((hex) => parseHex(hex)!),
  dark: ["#121418", "#1a1d23", "#252932"].map((hex) => parseHex(hex)!),
};

const hex = (rgb: Rgb): string => `#${rgb.map((c) => c.toString(16).padStart(2, "0")).join("")}`;

export interface AccentColours {
  /** ≥ 3 on every ground. */
  accent: Rgb;
  /** ≥ 4.5 on `accent`. */
  onAccent: Rgb;
  /** ≥ 4.5 on every ground. */
  text: Rgb;
}

export function accentColours(accent: Rgb, theme: "light" | "dark"): AccentColours {
  const grounds = GROUNDS[theme];
  const pole = theme === "light" ? 0 : 1;
  const shown = readable(accent, grounds, pole, 3);
  return { accent: shown, onAccent: contrast(shown, WHITE) >= 4.5 ? WHITE : BLACK, text: readable(accent, grounds, pole, 4.5) };
}

/** The custom properties for one accent, or none when it is not a hex colour. */
export function accentProperties(value: string): ReadonlyArray<readonly [name: string, value: string]> {
  const accent = parseHex(value);
  if (!accent) return [];
  const [light, dark] = [accentColours(accent, "light"), accentColours(accent, "dark")];
  return [
    ["--chanl-accent", `light-dark(${hex(light.accent)}, ${hex(dark.accent)})`],
    ["--chanl-on-accent", `light-dark(${hex(light.onAccent)}, ${hex(dark.onAccent)})`],
    ["--chanl-accent-text", `light-dark(${hex(light.text)}, ${hex(dark.text)})`],
  ];
}
