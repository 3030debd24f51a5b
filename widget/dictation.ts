/**
 * Speaking instead of typing, by the browser's own recognition. Chrome and Safari have theirs on servers of their makers: so nothing
 * listens before the button is pressed, and the button is there only where the page's owner asks for it. What is heard stands in the
 * composer and is not sent by itself.
 */
import type { StringKey } from "./strings.ts";

/** The part of the Web Speech API that is used; no type library has it under both names. */
interface Recognition extends EventTarget {
  lang: string;
  continuous: boolean;
  interimResults: boolean;
  start(): void;
  abort(): void;
}

interface Heard extends Event {
  results: ArrayLike<readonly { transcript: string }[]>;
}

type RecognitionConstructor = new () => Recognition;

export interface DictationHost {
  locale: string;
  text: () => string;
  setText: (text: string) => void;
  changed: () => void;
}

const recognition = (): RecognitionConstructor | undefined => {
  const { SpeechRecognition, webkitSpeechRecognition } = globalThis as Record<string, unknown>;
  return (SpeechRecognition ?? webkitSpeechRecognition) as RecognitionConstructor | undefined;
};

export const canListen = (): boolean => recognition() !== undefined;

/** What is told; silence, and an end somebody wanted, are nothing to tell. */
const FAILURES: Record<string, StringKey> = {
  "not-allowed": "composer.speakDenied",
  "service-not-allowed": "composer.speakDenied",
  "audio-capture": "composer.speakFailed",
  network: "composer.speakFailed",
  "language-not-supported": "composer.speakFailed",
};

export class Dictation {
  #listening: Recognition | null = null;
  /** What was heard last is the end of the text as it was put there. */
  #written = "";
  #failure: StringKey | undefined;

  get isOn(): boolean {
    return this.#listening !== null;
  }

  /** Why nothing was heard. */
  get failure(): StringKey | undefined {
    return this.#failure;
  }

  /** Begins to listen, or ends it. */
  toggle(host: DictationHost): void {
    if (this.isOn) this.#end(host);
    else this.#start(host);
  }

  /** What was sent or taken away is not continued. */
  follow(text: string): void {
    if (this.isOn && text !== this.#written) this.stop();
  }

  stop(): void {
    this.#listening?.abort();
    this.#listening = null;
  }

  #end(host: DictationHost): void {
    this.stop();
    host.changed();
  }

  #start(host: DictationHost): void {
    const Recognizer = recognition();
    if (!Recognizer) return;
    const heard = new Recognizer();
    const before = host.text().trimEnd();
    heard.lang = host.locale;
    heard.continuous = true;
    heard.interimResults = true;
    const isOn = (): boolean => this.#listening === heard;
    heard.addEventListener("result", (event) => {
      if (!isOn()) return;
      // Who types meanwhile goes on by hand.
      if (host.text() !== this.#written) return this.#end(host);
      const words = Array.from((event as Heard).results, ([best]) => best?.transcript ?? "").join("");
      this.#written = before === "" ? words.trimStart() : `${before} ${words.trimStart()}`;
      host.setText(this.#written);
    });
    heard.addEventListener("error", (event) => {
      if (isOn()) this.#failure = FAILURES[(event as Event & { error: string }).error];
    });
    heard.addEventListener("end", () => isOn() && this.#end(host));
    this.#listening = heard;
    this.#failure = undefined;
    this.#written = host.text();
    try {
      heard.start();
    } catch {
      this.stop();
      this.#failure = "composer.speakFailed";
    }
    host.changed();
  }
}
