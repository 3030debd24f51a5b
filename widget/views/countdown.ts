/** Seconds until a moment, counted down in its own text node: visual only, a screen reader hears the start and the end of it. */
import { AsyncDirective } from "lit/async-directive.js";
import { directive, type ChildPart, type DirectiveParameters } from "lit/directive.js";

class Countdown extends AsyncDirective {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #until = 0;
  #format: (seconds: number) => string = String;

  override render(until: number, format: (seconds: number) => string): unknown {
    return format(Math.max(0, Math.ceil((until - Date.now()) / 1_000)));
  }

  override update(_part: ChildPart, [until, format]: DirectiveParameters<this>): unknown {
    this.#until = until;
    this.#format = format;
    clearTimeout(this.#timer);
    if (this.isConnected) this.#wait();
    return this.render(until, format);
  }

  override disconnected(): void {
    clearTimeout(this.#timer);
  }

  override reconnected(): void {
    this.setValue(this.render(this.#until, this.#format));
    this.#wait();
  }

  /** To the next full second before the moment. */
  #wait(): void {
    const rest = this.#until - Date.now();
    if (rest <= 0) return;
    this.#timer = setTimeout(
      () => {
        this.setValue(this.render(this.#until, this.#format));
        this.#wait();
      },
      rest % 1_000 || 1_000,
    );
  }
}

export const countdown = directive(Countdown);
