/**
 * Parts of the widget that most conversations never need: each a module of its own, loaded when it is first asked for, from
 * beside the script (a chunk of the same build, so a strict CSP that allows the script allows its parts).
 */
import type { CSSResult } from "lit";

interface Part {
  /** Styles the part brings along. */
  styles?: CSSResult | readonly CSSResult[];
}

export interface LazyHost {
  /** A part came: what depends on it is drawn anew. */
  partLoaded(styles: readonly CSSResult[]): void;
  /** A part could not be loaded. What it would have shown is left out; the chat goes on. */
  partFailed(name: string): void;
}

const LOADERS = {
  conversation: () => import("./conversation.ts"),
  attachments: () => import("./attachments.ts"),
  edit: () => import("./views/edit-message.ts"),
  dictation: () => import("./dictation.ts"),
  "read-aloud": () => import("./read-aloud.ts"),
  export: () => import("./export.ts"),
};

type Loaders = typeof LOADERS;
export type PartName = keyof Loaders;
type PartOf<Name extends PartName> = Awaited<ReturnType<Loaders[Name]>>;

export class Lazy {
  readonly #host: LazyHost;
  readonly #loaded = new Map<PartName, Part>();
  readonly #asked = new Map<PartName, Promise<Part | null>>();
  /** Parts whose last load failed. */
  readonly failed = new Set<PartName>();
  /** Changes when a part came: lets a view see that it is out of date. */
  version = 0;

  constructor(host: LazyHost) {
    this.#host = host;
  }

  /** The part when it is there. When it is not, `null`, and it is on its way. */
  get<Name extends PartName>(name: Name): PartOf<Name> | null {
    const loaded = this.#loaded.get(name);
    if (!loaded) void this.load(name);
    return (loaded ?? null) as PartOf<Name> | null;
  }

  /** `null` when it cannot be had. Asked for again, it is tried again. */
  load<Name extends PartName>(name: Name): Promise<PartOf<Name> | null> {
    let asked = this.#asked.get(name);
    if (!asked) {
      asked = this.#load(name);
      this.#asked.set(name, asked);
    }
    return asked as Promise<PartOf<Name> | null>;
  }

  /** At once, although it failed a moment ago. */
  retry(name: PartName): void {
    this.#asked.delete(name);
    this.failed.delete(name);
    void this.load(name);
  }

  async #load(name: PartName): Promise<Part | null> {
    try {
      const part = (await LOADERS[name]()) as Part;
      this.#loaded.set(name, part);
      this.failed.delete(name);
      this.version += 1;
      const { styles = [] } = part;
      this.#host.partLoaded("length" in styles ? styles : [styles]);
      return part;
    } catch {
      this.failed.add(name);
      // Drawing asks again with every frame: a part that failed rests a while.
      setTimeout(() => this.#asked.delete(name), 10_000);
      this.#host.partFailed(name);
      return null;
    }
  }
}
