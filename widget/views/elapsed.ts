/** A running clock in tenths of a second: its own timer and its own text node, so that it re-renders nothing else. */
import { noChange } from "lit";
import { AsyncDirective } from "lit/async-directive.js";
import { directive, type ChildPart, type DirectiveParameters } from "lit/directive.js";

const TICK_MS = 100;

class Elapsed extends AsyncDirective {
  #timer: ReturnType<typeof setInterval> | undefined;
  #startedAt = 0;
  #format: (ms: number) => string = String;

  override render(startedAt: number, format: (ms: number) => string): unknown {
    return format(Math.max(0, Date.now() - startedAt));
  }

  override update(_part: ChildPart, [startedAt, format]: DirectiveParameters<this>): unknown {
    this.#startedAt = startedAt;
    this.#format = format;
    if (this.isConnected && this.#timer === undefined) this.#start();
    return this.#timer === undefined ? noChange : this.render(startedAt, format);
  }

  override disconnected(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  override reconnected(): void {
    this.#start();
  }

  #start(): void {
    this.#timer = setInterval(() => this.setValue(this.render(this.#startedAt, this.#format)), TICK_MS);
  }
}

export const elapsed = directive(Elapsed);
