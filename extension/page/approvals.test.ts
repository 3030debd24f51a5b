import { expect, test } from "vitest";

import { Approvals, type ApprovalQuestion } from "./approvals.ts";

const question = (toolCallId: string): ApprovalQuestion => ({
  toolCallId,
  kind: "act",
  tool: "click",
  origin: "https://example.com",
  title: "",
});
const never = new AbortController().signal;

test("questions are asked one at a time, in their order", async () => {
  const approvals = new Approvals(() => undefined);
  const [a, b] = [question("a"), question("b")];
  const first = approvals.ask(a, never);
  const second = approvals.ask(b, never);
  expect(approvals.current).toBe(a);
  expect(approvals.count).toBe(2);
  approvals.decide(a, true);
  expect(await first).toBe("approved");
  expect(approvals.current).toBe(b);
  approvals.decide(b, false);
  expect(await second).toBe("denied");
  expect(approvals.current).toBeNull();
});

test("a decision for a question that is no longer in front decides nothing", async () => {
  const approvals = new Approvals(() => undefined);
  const [a, b] = [question("a"), question("b")];
  const gone = new AbortController();
  const first = approvals.ask(a, gone.signal);
  const second = approvals.ask(b, never);
  gone.abort();
  expect(await first).toBe("withdrawn");
  approvals.decide(a, true);
  expect(approvals.current).toBe(b);
  approvals.decide(b, true);
  expect(await second).toBe("approved");
});

test("what is withdrawn before it was asked is never shown", async () => {
  let shown = 0;
  const approvals = new Approvals(() => shown++);
  expect(await approvals.ask(question("a"), AbortSignal.abort())).toBe("withdrawn");
  expect(shown).toBe(0);
});
