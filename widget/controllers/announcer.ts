/**
 * What a screen reader hears: the answer in whole sentences, never faster than one utterance per 2.5 s, each word once.
 * The log itself is not live; `aria-busy` on a live region would make NVDA drop the text for good.
 */
import type { Translate } from "../strings.ts";
import { SpokenText } from "./spoken-text.ts";

export type AnnounceMode = "sentences" | "complete" | "status" | "off";

const PAUSE_MS = 2_500;
const REPLYING_AFTER_MS = 800;
const LONG_ANSWER_MS = 10_000;
const LONGEST_UTTERANCE = 400;
const FORGET_AFTER_MS = 10_000;

export interface AnnouncerHost {
  t: Translate;
  name: string;
  mode: AnnounceMode;
  /** The panel is closed or the tab hidden: only that there is something new is worth a word. */
  away: boolean;
  /** The elements that hold the text of the running answer. */
  answer: () => readonly Element[];
}

export class Announcer {
  readonly #host: () => AnnouncerHost;
  #polite: HTMLElement | null = null;
  #assertive: HTMLElement | null = null;
  #queue: string[] = [];
  #saidAt = Number.NEGATIVE_INFINITY;
  #startedAt = 0;
  #spoken: SpokenText | null = null;
  readonly #timers = new Map<"replying" | "tick" | "drain", ReturnType<typeof setTimeout>>();
  readonly #fading = new Set<ReturnType<typeof setTimeout>>();

  constructor(host: () => AnnouncerHost) {
    this.#host = host;
  }

  attach(polite: HTMLElement | null, assertive: HTMLElement | null): void {
    this.#polite = polite;
    this.#assertive = assertive;
  }

  /** An answer has been asked for. */
  began(): void {
    this.#startedAt = performance.now();
    this.#spoken = new SpokenText(this.#host().t);
    this.#after("replying", REPLYING_AFTER_MS, () => {
      const { t, name, mode, away } = this.#host();
      if (mode !== "off" && !away) this.#say(t("say.replying", { name }));
    });
  }

  /** The first of its text is there. */
  streams(): void {
    this.#clear("replying");
    if (this.#host().mode === "sentences") this.#after("tick", 0, () => this.#tick());
  }

  /** It ended; its text is complete in the DOM. */
  ended(how: "complete" | "stopped" | "failed"): void {
    this.#clear("replying");
    this.#clear("tick");
    const { t, name, mode, away, answer } = this.#host();
    const rest = this.#spoken?.take(answer(), true, t) ?? [];
    this.#spoken = null;
    if (mode === "off") return;
    if (away) {
      if (how === "complete") this.#say(t("say.newMsg", { name }));
      return;
    }
    if (mode !== "status") for (const text of rest) this.#say(text);
    if (how === "stopped") this.#say(t("say.stopped"));
    else if (how === "complete" && (mode === "status" || performance.now() - this.#startedAt > LONG_ANSWER_MS)) this.#say(t("say.done"));
  }

  /** Once, when it can wait its turn. */
  notice(text: string): void {
    if (this.#host().mode !== "off" && !this.#host().away) this.#say(text);
  }

  /** At once: a failure, or a decision that is waited for. */
  alert(text: string): void {
    if (this.#host().mode !== "off") this.#put(this.#assertive, text);
  }

  dispose(): void {
    for (const timer of [...this.#timers.values(), ...this.#fading]) clearTimeout(timer);
    this.#timers.clear();
    this.#fading.clear();
    this.#queue = [];
    this.#spoken = null;
  }

  #tick(): void {
    const { t, mode, away, answer } = this.#host();
    if (mode === "sentences" && !away) for (const text of this.#spoken?.take(answer(), false, t) ?? []) this.#say(text);
    this.#after("tick", PAUSE_MS, () => this.#tick());
  }

  /** Utterances of at most 400 characters; short ones that wait together become one. */
  #say(text: string): void {
    let rest = text.trim();
    while (rest) {
      const last = this.#queue.at(-1);
      if (last !== undefined && last.length + 1 + rest.length <= LONGEST_UTTERANCE) {
        this.#queue[this.#queue.length - 1] = `${last} ${rest}`;
        break;
      }
      const end = rest.length <= LONGEST_UTTERANCE ? rest.length : breakBefore(rest, LONGEST_UTTERANCE);
      this.#queue.push(rest.slice(0, end).trim());
      rest = rest.slice(end).trim();
    }
    this.#drain();
  }

  #drain(): void {
    if (this.#queue.length === 0 || this.#timers.has("drain")) return;
    // A moment for what belongs together to come together.
    const wait = Math.max(20, this.#saidAt + PAUSE_MS - performance.now());
    this.#after("drain", wait, () => {
      const text = this.#queue.shift();
      if (text === undefined) return;
      this.#saidAt = performance.now();
      this.#put(this.#polite, text);
      this.#drain();
    });
  }

  #put(region: HTMLElement | null, text: string): void {
    if (!region) return;
    const line = region.ownerDocument.createElement("div");
    line.textContent = text;
    region.append(line);
    const timer = setTimeout(() => {
      line.remove();
      this.#fading.delete(timer);
    }, FORGET_AFTER_MS);
    this.#fading.add(timer);
  }

  #after(name: "replying" | "tick" | "drain", ms: number, run: () => void): void {
    this.#clear(name);
    this.#timers.set(
      name,
      setTimeout(() => {
        this.#timers.delete(name);
        run();
      }, ms),
    );
  }

  #clear(name: "replying" | "tick" | "drain"): void {
    clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
  }
}

/** Where to break: after a sentence, else between words, else anywhere. */
function breakBefore(text: string, limit: number): number {
  const head = text.slice(0, limit);
  const sentence = /^.*[.!?。！？؟।…](?=\s|$)/su.exec(head)?.[0].length ?? 0;
  if (sentence > 0) return sentence;
  const word = head.lastIndexOf(" ");
  return word > 0 ? word : limit;
}
