import { describe, expect, test } from "vitest";

import { finishReason, providerError } from "./finish.ts";

describe("finish reasons", () => {
  const nothing = { callToRun: false, refusal: false };
  test.each([
    ["stop", "stop"],
    ["end_turn", "stop"],
    ["stop_sequence", "stop"],
    ["STOP", "stop"],
    ["length", "length"],
    ["max_tokens", "length"],
    ["MAX_TOKENS", "length"],
    ["tool_calls", "tool_calls"],
    ["tool_use", "tool_calls"],
    ["content_filter", "content_filter"],
    ["SAFETY", "content_filter"],
    ["RECITATION", "content_filter"],
    ["completed", "stop"],
    ["RUN_FINISHED", "stop"],
    ["incomplete", "length"],
    ["max_output_tokens", "length"],
    ["tool-calls", "tool_calls"],
    ["content-filter", "content_filter"],
    ["refusal", "refusal"],
    ["something_new", "other"],
    ["", "other"],
    ["toString", "other"],
    ["__proto__", "other"],
  ])("%j is %s", (reason, expected) => expect(finishReason(reason, nothing)).toBe(expected));

  test("a plain stop after a call to run is tool_calls", () =>
    expect(finishReason("end_turn", { callToRun: true, refusal: false })).toBe("tool_calls"));
  test("a plain stop after refusal text is refusal", () =>
    expect(finishReason("stop", { callToRun: false, refusal: true })).toBe("refusal"));
  test("another reason is not turned by either", () => expect(finishReason("length", { callToRun: true, refusal: true })).toBe("length"));
});

describe("a provider's error in our words", () => {
  test.each([
    [{ type: "authentication_error" }, "provider_auth", false],
    [{ code: "invalid_api_key" }, "provider_auth", false],
    [{ type: "permission_error" }, "provider_auth", false],
    [{ code: 401 }, "provider_auth", false],
    [{ status: "403" }, "provider_auth", false],
    [{ type: "rate_limit_error" }, "provider_rate_limited", true],
    [{ code: "insufficient_quota" }, "provider_rate_limited", true],
    [{ code: 429 }, "provider_rate_limited", true],
    [{ status: "RESOURCE_EXHAUSTED" }, "provider_rate_limited", true],
    [{ status: "UNAUTHENTICATED" }, "provider_auth", false],
    [{ type: "overloaded_error" }, "provider_unavailable", true],
    [{ code: 503 }, "provider_unavailable", true],
    [{ type: "api_error" }, "provider_error", true],
    [{ code: 4290 }, "provider_error", true],
    [{}, "provider_error", true],
    [{ type: { deep: 1 }, code: null, message: 7 }, "provider_error", true],
  ])("%j is %s", (error, code, retryable) => expect(providerError(error)).toMatchObject({ type: "error", code, retryable }));
});
