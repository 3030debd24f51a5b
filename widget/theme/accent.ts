/** One accent colour in; the colours that must stay readable on it and in it out. */

type Rgb = readonly [number, number, number];

/** Parses `#rgb` and `#rrggbb`; anything else is no accent. */
export function parseHex(value: string): Rgb | null {
  const match = /^#?([\da-f]{3}|[\da-f]{6})$/i.exec(value.trim());
  if (!match?.[1]) return null;
  const hex = match[1].length === 3 ? match[1].replace(/./g, "$&$&") : match[1];
  return [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as unknown as Rgb;
}

/** Relative luminance as WCAG 2 defines it. */
function luminance(rgb: Rgb): number {
  const [r, g, b] = rgb.map((channel) => {
    const c = channel / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  }) as unknown as Rgb;
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** The contrast ratio of two colours, 1 to 21. */
export function contrast(a: Rgb, b: Rgb): number {
  const [x, y] = [luminance(a), luminance(b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

const WHITE: Rgb = [255, 255, 255];
const BLACK: Rgb = [0, 0, 0];
// The lightest and the darkest ground text in the accent colour stands on, in each theme.
const LIGHT_GROUND: Rgb = [236, 238, 242];
const DARK_GROUND: Rgb = [37, 41, 50];

/** Mixes towards `pole` in small steps until the ratio on `ground` is reached. */
function readable(colour: Rgb, ground: Rgb, pole: Rgb, ratio: number): Rgb {
  for (let step = 0; step <= 50; step += 1) {
    const t = step / 50;
    const mixed = colour.map((c, i) => Math.round(c + ((pole[i] ?? 0) - c) * t)) as unknown as Rgb;
    if (contrast(mixed, ground) >= ratio) return mixed;
  }
  return pole;
}

const hex = (rgb: Rgb): string => `#${rgb.map((c) => c.toString(16).padStart(2, "0")).join("")}`;
const onColour = (rgb: Rgb): string => (contrast(rgb, WHITE) >= 4.5 ? "#ffffff" : "#000000");

/** The custom properties for one accent, or none when it is not a hex colour. */
export function accentProperties(value: string): ReadonlyArray<readonly [name: string, value: string]> {
  const accent = parseHex(value);
  if (!accent) return [];
  const light = readable(accent, LIGHT_GROUND, BLACK, 3);
  const dark = readable(accent, DARK_GROUND, WHITE, 3);
  const text = [readable(accent, LIGHT_GROUND, BLACK, 4.5), readable(accent, DARK_GROUND, WHITE, 4.5)].map((c) => hex(c));
  return [
    ["--chanl-accent", `light-dark(${hex(light)}, ${hex(dark)})`],
    ["--chanl-on-accent", `light-dark(${onColour(light)}, ${onColour(dark)})`],
    ["--chanl-accent-text", `light-dark(${text.join(", ")})`],
  ];
}
