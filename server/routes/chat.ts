/** The chat over HTTP: start, follow, stop, and the answers of tools that run in the client. */
import { Router, type Request, type RequestHandler, type Response } from "express";

import { REQUEST_LIMITS, type ApprovalRequest, type ToolResultRequest } from "../../shared/protocol/request.ts";
import type { Identify } from "../auth/identify.ts";
import { GatewayError } from "../errors.ts";
import type { GatewayMetrics } from "../metrics.ts";
import type { ChatService } from "../stream/chat-service.ts";
import type { HeartbeatWheel } from "../stream/heartbeat.ts";
import type { RunHandle } from "../stream/run.ts";
import type { RunMessage, RunReply } from "../stream/run-store.ts";
import { SseWriter } from "../stream/sse-writer.ts";
import { jsonBody } from "./json-body.ts";
import { parseApproval, parseChatRequest, parseToolResult } from "./request-schema.ts";

export interface ChatRoutesOptions {
  chat: ChatService;
  heartbeat: HeartbeatWheel;
  stallMs: number;
  identify: Identify;
  metrics?: GatewayMetrics | undefined;
}

export function chatRoutes({ chat, heartbeat, stallMs, identify, metrics }: ChatRoutesOptions): Router {
  const router = Router();

  router.post("/stream", jsonBody(), async (request, response) => {
    const body = parseChatRequest(withIdempotencyKey(request));
    const run = await chat.start(body, await identify(request));
    if (wantsJson(request)) {
      response.status(202).setHeader("X-Stream-Id", run.id);
      response.json({ streamId: run.id, messageId: run.options.messageId });
      return;
    }
    follow(run, 0, response);
  });

  // Express answers HEAD with the GET handler, which would follow a stream whose body nobody gets.
  router.head("/stream/:streamId", methodNotAllowed);
  router.get("/stream/:streamId", async (request, response) => {
    const afterSeq = cursor(request);
    const { run, head } = await find(request);
    if (afterSeq > head.seq)
      throw new GatewayError("conflict", { message: `The cursor ${afterSeq} is beyond the last event, ${head.seq}.` });
    if (head.ended && afterSeq === head.seq) {
      // 204 is what makes EventSource stop for good.
      response.status(204).setHeader("X-Stream-Id", run.id).end();
      return;
    }
    if (afterSeq > 0) metrics?.resumed("sse");
    follow(run, afterSeq, response);
  });

  router.post("/stream/:streamId/cancel", async (request, response) => {
    const { run, head } = await find(request);
    const wasRunning = !head.ended;
    if (wasRunning) await tell(run, { type: "cancel", reason: "user" });
    response.status(wasRunning ? 202 : 200).json({ streamId: run.id, state: wasRunning ? "cancelled" : "ended" });
  });

  router.post("/stream/:streamId/tool-results", jsonBody(), async (request, response) => {
    const { run } = await find(request);
    const result = parseToolResult(request.body);
    await acceptToolResult(run, result);
    response.status(202).json({ toolCallId: result.toolCallId });
  });

  router.post("/stream/:streamId/approvals", jsonBody(), async (request, response) => {
    const { run } = await find(request);
    const approval = parseApproval(request.body);
    await acceptApproval(run, approval);
    response.status(202).json({ toolCallId: approval.toolCallId });
  });

  router.all(["/stream", "/stream/:streamId", "/stream/:streamId/:action"], methodNotAllowed);
  return router;

  async function find(request: Request): Promise<{ run: RunHandle; head: { seq: number; ended: boolean } }> {
    const run = await chat.runs.find(String(request.params["streamId"]), (await identify(request)).owner);
    const head = await chat.runs.store.head(run.id);
    if (!head) throw new GatewayError("not_found", { message: "There is no such stream, or it is too old to resume." });
    return { run, head };
  }

  function follow(run: RunHandle, afterSeq: number, response: Response): void {
    new SseWriter(response, run.id, { heartbeat, stallMs, onStall: () => metrics?.stalled("sse") }).follow(run, afterSeq);
  }
}

/** @throws GatewayError `overloaded` when the process that has the run does not answer: nothing was done, and it may be tried again. */
export async function tell(run: RunHandle, message: RunMessage): Promise<Exclude<RunReply, undefined>> {
  const reply = await run.tell(message);
  if (reply === undefined) throw new GatewayError("overloaded", { message: "The stream cannot be reached right now.", retryAfterMs: 1000 });
  return reply;
}

/** @throws GatewayError `conflict` for a second result, `not_found` for a call nobody waits for. */
export async function acceptToolResult(run: RunHandle, result: ToolResultRequest): Promise<void> {
  const outcome = await tell(run, { type: "tool_result", result });
  if (outcome === "duplicate") throw new GatewayError("conflict", { field: "toolCallId", message: "This call already has a result." });
  if (outcome === "unknown")
    throw new GatewayError("not_found", { field: "toolCallId", message: "No call with this toolCallId waits for a result." });
}

/** @throws GatewayError `conflict` for a call no approval is pending for, `bad_request` for edited arguments that do not fit. */
export async function acceptApproval(run: RunHandle, approval: ApprovalRequest): Promise<void> {
  const outcome = await tell(run, { type: "approval", approval });
  if (outcome === "accepted") return;
  if (typeof outcome === "object") throw new GatewayError("bad_request", { field: "arguments", message: outcome.refused });
  const { toolCallId } = approval;
  throw new GatewayError("conflict", { field: "toolCallId", message: `No approval is pending for the call ${toolCallId}.` });
}

function withIdempotencyKey(request: Request): unknown {
  const key = request.headers["idempotency-key"];
  const body = request.body as unknown;
  if (typeof key !== "string" || typeof body !== "object" || body === null || "requestId" in body) return body;
  if (key.length > REQUEST_LIMITS.idChars)
    throw new GatewayError("bad_request", {
      field: "Idempotency-Key",
      message: `Idempotency-Key must have at most ${REQUEST_LIMITS.idChars} characters.`,
    });
  return { ...body, requestId: key };
}

function wantsJson(request: Request): boolean {
  const accept = request.headers.accept ?? "";
  return accept.includes("application/json") && !accept.includes("text/event-stream");
}

/** `Last-Event-ID` wins: an EventSource keeps the address, and so the `lastSeq`, it was opened with. */
function cursor(request: Request): number {
  const header = request.headers["last-event-id"];
  const fromHeader = typeof header === "string" && header !== "";
  const value = fromHeader ? header : (request.query["lastSeq"] ?? "0");
  if (typeof value === "string" && /^\d{1,15}$/.test(value)) return Number(value);
  const field = fromHeader ? "Last-Event-ID" : "lastSeq";
  throw new GatewayError("bad_request", { field, message: `${field} must be a whole number from 0.` });
}

const methodNotAllowed: RequestHandler = (_request, response) => {
  response.setHeader("Allow", "GET, POST, OPTIONS");
  response.status(405).json({ error: { code: "bad_request", message: "This method is not allowed here.", retryable: false } });
};
