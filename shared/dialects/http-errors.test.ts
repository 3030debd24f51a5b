/** What a server answers instead of a stream: its body read as if it were one, by code that did not look at the status. */
import { describe, expect, test } from "vitest";

import { byteByByte } from "../testing/chunked.ts";
import { readPieces } from "../testing/streams/conformance.ts";
import type { DialectName } from "./dialect.ts";

const SECRET = "sk-canary";

/** Bodies as the providers' references show them, in their own spacing. */
const REFUSALS: [dialect: DialectName, code: string, retryable: boolean, body: string][] = [
  ["chanl", "unauthorized", false, '{"error":{"code":"unauthorized","message":"This needs a token.","retryable":false}}'],
  [
    "openai-chat",
    "provider_auth",
    false,
    `{\n  "error": {\n    "message": "Incorrect API key provided: ${SECRET}.",\n    "type": "invalid_request_error",\n    "param": null,\n    "code": "invalid_api_key"\n  }\n}\n`,
  ],
  [
    "openai-responses",
    "provider_rate_limited",
    true,
    `{\n  "error": {\n    "message": "Rate limit reached for ${SECRET}",\n    "type": "requests",\n    "param": null,\n    "code": "rate_limit_exceeded"\n  }\n}`,
  ],
  [
    "anthropic",
    "provider_unavailable",
    true,
    `{"type":"error","error":{"type":"overloaded_error","message":"${SECRET}"},"request_id":"req_1"}`,
  ],
  [
    "gemini",
    "provider_rate_limited",
    true,
    `[{\n  "error": {\n    "code": 429,\n    "message": "${SECRET}",\n    "status": "RESOURCE_EXHAUSTED"\n  }\n}\n]`,
  ],
  ["ollama", "provider_error", true, `{"error":"model '${SECRET}' not found"}`],
  ["ai-sdk-ui", "provider_error", true, `{"error":"${SECRET}"}`],
  ["ag-ui", "provider_error", true, `{"detail":"${SECRET}"}`],
];

const PROXY_PAGE = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\ndata: nginx\r\n</body></html>\r\n";

describe.each(REFUSALS)("a refusal in place of a stream, %s", (dialect, code, retryable, body) => {
  const bytes = new TextEncoder().encode(body);
  const error = { type: "error", code, retryable };

  test("is one error in our words, in any chunking", async () => {
    for (const pieces of [[bytes], byteByByte(bytes)]) {
      const { chunks } = await readPieces(pieces, dialect);
      expect(chunks).toEqual([expect.objectContaining(error)]);
      expect(chunks[0]).toMatchObject({ message: expect.not.stringContaining(SECRET) as string });
    }
  });

  // FastAPI's `detail` alone belongs to no format.
  test.skipIf(dialect === "ag-ui")("is found out", async () => {
    expect((await readPieces([bytes], "auto")).chunks).toEqual([expect.objectContaining(error)]);
  });

  test("cut anywhere, is an answer that was cut", async () => {
    for (let at = 0; at < bytes.length - 4; at++) {
      const { chunks } = await readPieces([bytes.subarray(0, at)], dialect);
      expect(chunks, `cut before byte ${at}`).toEqual([expect.objectContaining({ type: "error", code: "truncated" })]);
    }
  });

  test("a proxy's page and an empty body are an answer that was cut", async () => {
    for (const other of [PROXY_PAGE, ""]) {
      const { chunks } = await readPieces([new TextEncoder().encode(other)], dialect);
      expect(chunks).toEqual([expect.objectContaining({ type: "error", code: "truncated" })]);
    }
  });
});
