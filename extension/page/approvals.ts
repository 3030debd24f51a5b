/**
 * What a person is asked before a tool touches a page. The questions are made here, of what the tool found in the page and of
 * the agent's arguments; the panel shows both as quotations. Neither the page nor the model can answer, or word, a question.
 */
import type { Control } from "./in-page.ts";

/** `read` is asked once per conversation and origin, `act` and `share` every time. */
export type ApprovalKind = "read" | "act" | "share";

export interface ApprovalQuestion {
  toolCallId: string;
  kind: ApprovalKind;
  tool: string;
  origin: string;
  /** The page's own title. */
  title: string;
  control?: Control;
  /** What the agent wants to write. */
  value?: string;
  /** What would be sent, as a picture. */
  image?: string;
}

export type Decision = "approved" | "denied" | "withdrawn";

interface Waiting {
  question: ApprovalQuestion;
  settle: (decision: Decision) => void;
}

export class Approvals {
  readonly #changed: () => void;
  #waiting: Waiting[] = [];

  /** @param changed another question is in front now, or none. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** The question a person sees now. One at a time, in the order they came. */
  get current(): ApprovalQuestion | null {
    return this.#waiting[0]?.question ?? null;
  }

  get count(): number {
    return this.#waiting.length;
  }

  /** Settles with what the person decided, or `withdrawn` when the signal aborts: the answer was stopped, or the page went away. */
  ask(question: ApprovalQuestion, signal: AbortSignal): Promise<Decision> {
    if (signal.aborted) return Promise.resolve("withdrawn");
    return new Promise((resolve) => {
      const waiting: Waiting = {
        question,
        settle: (decision) => {
          signal.removeEventListener("abort", withdraw);
          this.#waiting = this.#waiting.filter((other) => other !== waiting);
          resolve(decision);
          this.#changed();
        },
      };
      const withdraw = (): void => waiting.settle("withdrawn");
      signal.addEventListener("abort", withdraw, { once: true });
      this.#waiting.push(waiting);
      this.#changed();
    });
  }

  /** Decides the question in front, and only if it is the one that was seen. */
  decide(question: ApprovalQuestion, isApproved: boolean): void {
    const front = this.#waiting[0];
    if (front?.question === question) front.settle(isApproved ? "approved" : "denied");
  }
}
