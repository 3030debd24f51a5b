/** A shortcut of the page. Off by default, and never a single character: people who speak to their computer type those by accident (WCAG 2.1.4). */

const MODIFIERS = ["ctrl", "alt", "shift", "meta"] as const;
type Modifier = (typeof MODIFIERS)[number];

export class Hotkey {
  readonly #pressed: () => void;
  #keys: { key: string; modifiers: ReadonlySet<Modifier> } | null = null;

  constructor(pressed: () => void) {
    this.#pressed = pressed;
  }

  /** @param shortcut empty for none @returns `false` for one that is none, or a single character */
  set(shortcut: string): boolean {
    this.disconnect();
    if (shortcut.trim() === "") return true;
    const names = shortcut
      .toLowerCase()
      .split("+")
      .map((name) => name.trim());
    const key = names.pop() ?? "";
    const modifiers = names.map((name) => (name === "mod" ? (isMac() ? "meta" : "ctrl") : name));
    const isKnown = modifiers.every((name): name is Modifier => MODIFIERS.some((known) => known === name));
    const isSafe = /^f([1-9]|1\d|2[0-4])$/.test(key) || (key !== "" && modifiers.some((name) => name !== "shift"));
    if (!isKnown || !isSafe) return false;
    this.#keys = { key, modifiers: new Set(modifiers) };
    addEventListener("keydown", this.#onKeyDown);
    return true;
  }

  disconnect(): void {
    removeEventListener("keydown", this.#onKeyDown);
    this.#keys = null;
  }

  readonly #onKeyDown = (event: KeyboardEvent): void => {
    if (!this.#keys || event.repeat || event.isComposing || event.defaultPrevented) return;
    const { key, modifiers } = this.#keys;
    // With Alt or Shift a key may write another character; where it lies tells which it is.
    const isKey = event.key.toLowerCase() === key || event.code.toLowerCase() === `key${key}`;
    if (!isKey || MODIFIERS.some((name) => event[`${name}Key`] !== modifiers.has(name))) return;
    event.preventDefault();
    this.#pressed();
  };
}

const isMac = (): boolean => /mac|iphone|ipad/i.test(navigator.platform);
