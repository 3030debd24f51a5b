// Takes one guard after the other out of the gateway and runs the test that has to notice. Nothing on disk is changed: the module is
// changed as the test loads it. Ends with 1 when a guard can go and its test does not fail, or when a guard is no longer where it was.
// npm run mutants [words of a mutant's name]
import { join } from "node:path";

import { startVitest } from "vitest/node";

import { root } from "./setup.mjs";

const SECURITY = "server/security.test.ts";
const LOOP = "server/agent/tool-loop.test.ts";
const STORE = "server/agent/agent-store.test.ts";
const LOCK = "server/agent/file-lock.test.ts";
const EVERY = "server/providers/every-provider.test.ts";

/** `test` runs only those whose names match `named`. */
const MUTANTS = [
  // The eleven rules of docs/security.md.
  {
    name: "rule 1: what a provider says about an error is passed on",
    file: "server/providers/upstream.ts",
    guard: 'else yield signal.aborted ? { type: "cancelled", reason: "user" } : publicError(chunk, detail, watchdog.fired);',
    mutant: "else yield { ...chunk, message: chunk.detail ?? chunk.message };",
    test: SECURITY,
    named: "^1\\.",
  },
  {
    name: "rule 1: what a tool throws is told",
    file: "server/agent/run-tool.ts",
    guard: 'return { error: "The tool failed." };\n  } finally',
    mutant: "return { error: String(error) };\n  } finally",
    test: SECURITY,
    named: "^1\\.",
  },
  {
    name: "rule 1: keys are not cut out of details",
    file: "server/logger.ts",
    guard: 'clean = clean.replaceAll(secret, "[redacted]")',
    mutant: "clean = String(clean)",
    test: "server/providers/providers.test.ts",
    named: "never the key",
  },
  {
    name: "rule 2: tokens are read and not checked",
    file: "server/auth/session-tokens.ts",
    guard: "const { payload } = await jwtVerify(token, this.#key, {",
    mutant:
      "const { payload } = await ((given, _key, _options) => ({ payload: JSON.parse(Buffer.from(given.split('.')[1], 'base64url').toString()) }))(token, this.#key, {",
    test: SECURITY,
    named: "^2\\.",
  },
  {
    name: "rule 2: a token works on any site",
    file: "server/auth/identify.ts",
    guard: "origin !== session.origin",
    mutant: "origin === session.origin + 1",
    test: "server/auth/sessions.test.ts",
  },
  {
    name: "rule 3: an origin that begins like a listed one is let in",
    file: "server/auth/origins.ts",
    guard: "this.#origins.has(origin)",
    mutant: "[...this.#origins].some((listed) => origin.startsWith(listed))",
    test: SECURITY,
    named: "^3\\.",
  },
  {
    name: "rule 4: the origin of a WebSocket is not looked at",
    file: "server/web-socket.ts",
    guard: "this.#options.origins.check(request.headers.origin, request.headers.host);",
    mutant: "",
    test: SECURITY,
    named: "^4\\.",
  },
  {
    name: "rule 5: whoever knows a stream's id may read it",
    file: "server/stream/run-manager.ts",
    guard: "handle.options.owner !== hash(owner)",
    mutant: "hash(owner) === ''",
    test: SECURITY,
    named: "^5\\.",
  },
  {
    name: "rule 5: a cursor is whatever becomes a number",
    file: "server/routes/chat.ts",
    guard: "/^\\d{1,15}$/.test(value)",
    mutant: "Number(value) >= 0",
    test: SECURITY,
    named: "^5\\.",
  },
  {
    name: "rule 6: text goes into an event as it is",
    file: "server/stream/frame.ts",
    guard: '"content":${JSON.stringify(chunk.content)},"seq"',
    mutant: '"content":"${chunk.content}","seq"',
    test: SECURITY,
    named: "^6\\.",
  },
  {
    name: "rule 7: bodies may be of any size",
    file: "server/routes/json-body.ts",
    guard: "limit: REQUEST_LIMITS.bodyBytes",
    mutant: 'limit: "1gb"',
    test: SECURITY,
    named: "^7\\.",
  },
  {
    name: "rule 7: answers at once are not counted",
    file: "server/auth/limits.ts",
    guard: "most > 0 && (this.#streams.get(key) ?? 0) >= most",
    mutant: "most < 0",
    test: SECURITY,
    named: "^7\\.",
  },
  {
    name: "rule 2: a token is for every agent",
    file: "server/stream/chat-service.ts",
    guard: "caller.agentId !== undefined && caller.agentId !== agentId",
    mutant: "caller.agentId === ''",
    test: "server/auth/sessions.test.ts",
    named: "for its agent",
  },
  {
    name: "rule 2: a token never ends on a socket",
    file: "server/web-socket.ts",
    guard: "expiresAt === undefined\n        ? undefined",
    mutant: "expiresAt !== null\n        ? undefined",
    test: "server/auth/sessions.test.ts",
    named: "ends with its session",
  },
  {
    name: "rule 4: messages of a socket may be of any size",
    file: "server/web-socket.ts",
    guard: "maxPayload: REQUEST_LIMITS.bodyBytes,",
    mutant: "",
    test: "server/web-socket.test.ts",
    named: "1009",
  },
  {
    name: "rule 7: requests are not counted",
    file: "server/auth/limits.ts",
    guard: "await this.#requests.consume(key);",
    mutant: "",
    test: "server/auth/limits.test.ts",
    named: "too many requests",
  },
  {
    name: "rule 7: budgets are not spent",
    file: "server/auth/limits.ts",
    guard: "if (tokens === 0) return;",
    mutant: "if (tokens >= 0) return;",
    test: "server/auth/limits.test.ts",
  },
  {
    name: "rule 10: whoever does not read is waited for",
    file: "server/stream/sse-writer.ts",
    guard: "}, this.#options.stallMs);",
    mutant: "}, 1e8);",
    test: "server/metrics.test.ts",
  },
  {
    name: "rule 8: redirects are followed",
    file: "server/outbound.ts",
    guard: 'redirect: "error"',
    mutant: 'redirect: "follow"',
    test: SECURITY,
    named: "^8\\.",
  },
  {
    name: "rule 8: an agent's own server may lie in the gateway's network",
    file: "server/outbound.ts",
    guard: 'export const publicFetch = createOutboundFetch("public");',
    mutant: 'export const publicFetch = createOutboundFetch("configured");',
    test: SECURITY,
    named: "^8\\.",
  },
  {
    name: "rule 8: a name is not looked at where it leads",
    file: "server/outbound.ts",
    guard: "lookup: guardedLookup(reach, lookup)",
    mutant: "lookup: undefined",
    test: "server/outbound.test.ts",
  },
  {
    name: "rule 9: bodies may hold __proto__",
    file: "server/routes/request-schema.ts",
    guard: "  rejectDangerousKeys(body);\n",
    mutant: "",
    test: SECURITY,
    named: "^9\\.",
  },
  {
    name: "rule 9: arguments may hold __proto__",
    file: "server/agent/open-call.ts",
    guard: "else if (holdsDangerousKey(call.arguments))",
    mutant: "else if (false)",
    test: SECURITY,
    named: "^9\\.",
  },
  {
    name: "rule 10: headers may take for ever",
    file: "server/app.ts",
    guard: "headersTimeout: 10_000",
    mutant: "headersTimeout: 0",
    test: SECURITY,
    named: "^10\\.",
  },
  {
    name: "rule 11: logs hide nothing",
    file: "server/logger.ts",
    guard: "base: null }",
    mutant: "base: null, redact: [] }",
    test: SECURITY,
    named: "^11\\.",
  },
  {
    name: "a public address starts without a way to tell callers apart",
    file: "server/app.ts",
    guard: "assertNotOpen({ ...defaultConfig(), ...options });",
    mutant: "",
    test: SECURITY,
    named: "other machines reach",
  },

  // What a tool may do wrong.
  {
    name: "arguments are not checked against the schema",
    file: "server/agent/open-call.ts",
    guard: "const complaint = check(call.arguments);",
    mutant: "const complaint = undefined;",
    test: LOOP,
    named: "do not fit",
  },
  {
    name: "calls that were cut off run",
    file: "server/agent/open-call.ts",
    guard: "if (call.incomplete) open.fault",
    mutant: "if (false) open.fault",
    test: LOOP,
    named: "may do wrong",
  },
  {
    name: "a tool that hangs is waited for",
    file: "server/agent/run-tool.ts",
    guard: "return await untilAborted(Promise.resolve(tool.run(input, context)), signal);",
    mutant: "return await tool.run(input, context);",
    test: LOOP,
    named: "may do wrong",
  },
  {
    name: "results may be of any size",
    file: "server/agent/run-tool.ts",
    guard: "text.length > MAX_RESULT_CHARS ||",
    mutant: "",
    test: LOOP,
    named: "10 MB",
  },
  {
    name: "errors may be of any size",
    file: "server/agent/run-tool.ts",
    guard: "outcome.error.slice(0, MAX_ERROR_CHARS)",
    mutant: "outcome.error",
    test: LOOP,
    named: "10 MB",
  },
  {
    name: "a loop never ends",
    file: "server/agent/tool-loop.ts",
    guard: "const last = step >= maxSteps;",
    mutant: "const last = step >= 20;",
    test: LOOP,
    named: "last permitted step",
  },
  {
    name: "any number of calls in one turn run",
    file: "server/agent/tool-loop.ts",
    guard: "turn.calls.length >= maxCallsPerTurn",
    mutant: "turn.calls.length >= 1e9",
    test: LOOP,
    named: "very many calls",
  },
  {
    name: "what a model without tools said is forgotten",
    file: "server/agent/tool-loop.ts",
    guard: "tokenSink(turn, options.onToken),",
    mutant: "(specifications.length > 0 ? tokenSink(turn, options.onToken) : options.onToken),",
    test: LOOP,
    named: "given no tools",
  },
  {
    name: "a call that waits for approval runs",
    file: "server/agent/run-tool.ts",
    guard: "const decision = await call.approval;",
    mutant: "const decision = { approved: true };",
    test: "server/agent/approvals.test.ts",
    named: "waits, runs once",
  },
  {
    name: "a second result of a call counts",
    file: "server/agent/pending-calls.ts",
    guard: 'this.#settled?.has(answer.toolCallId) ? "duplicate" : "unknown"',
    mutant: '"accepted"',
    test: LOOP,
    named: "answered once over HTTP",
  },
  {
    name: "a tool of the page runs again when its call is told again",
    file: "shared/session/client-tools.ts",
    guard: "mayRun && !this.#begun.has(call.id);",
    mutant: "mayRun;",
    test: "shared/session/chat-session.test.ts",
  },
  {
    name: "an MCP call that failed is made again",
    file: "server/agent/mcp-connection.ts",
    guard: "if (!(error instanceof StreamableHTTPError) || error.code !== 404) throw this.#publicError(error, context);",
    mutant: "if (context.signal.aborted) throw error;",
    test: "server/agent/mcp.test.ts",
    named: "not run again",
  },
  {
    name: "every tool of an MCP server may be used",
    file: "server/agent/mcp-connection.ts",
    guard: "allowed === undefined || allowed.includes(name)",
    mutant: "name !== ''",
    test: "server/agent/mcp.test.ts",
    named: "on the list",
  },

  // Agents that are kept.
  {
    name: "a line is not checked",
    file: "server/agent/file-agent-store.ts",
    guard: 'if (line.subarray(0, 9).toString() !== `${crc32(json).toString(16).padStart(8, "0")} `) return undefined;',
    mutant: "",
    test: STORE,
    named: "in part|foreign line",
  },
  {
    name: "what a cut write left stays",
    file: "server/agent/file-agent-store.ts",
    guard: "await file.write(line, 0, line.length, this.#length);",
    mutant: "await file.write(line, 0, line.length, (await file.stat()).size);",
    also: [["await this.#file.truncate(this.#length);", ""]],
    test: STORE,
    named: "cut at any byte",
  },
  {
    name: "the lock of a living process is taken",
    file: "server/agent/file-lock.ts",
    guard: "return !isAlive(holder.pid);",
    mutant: "return true;",
    test: LOCK,
  },
  {
    name: "the lock of a dead process is kept",
    file: "server/agent/file-lock.ts",
    guard: "return !isAlive(holder.pid);",
    mutant: "return false;",
    test: LOCK,
  },
  {
    name: "an old lock is kept",
    file: "server/agent/file-lock.ts",
    guard: "if (ageMs > STALE_MS) return true;",
    mutant: "",
    test: LOCK,
  },
  {
    name: "a process with our number is us",
    file: "server/agent/file-lock.ts",
    guard: "return !held.has(holder.id);",
    mutant: "return false;",
    test: LOCK,
  },
  {
    name: "whoever lost the lock writes on",
    file: "server/agent/file-agent-store.ts",
    guard: "if (!this.#lock.isHeld())",
    mutant: "if (false)",
    test: LOCK,
  },

  {
    name: "an answer of an MCP server may be of any length",
    file: "server/agent/bounded-fetch.ts",
    guard: "count(bytes) > maxBytes",
    mutant: "count(bytes) < 0",
    test: "server/agent/bounded-fetch.test.ts",
    named: "as long as",
  },
  {
    name: "rule 1: what an MCP server says is logged as it is",
    file: "server/agent/mcp-connection.ts",
    guard: "length >= 8",
    mutant: "length < 0",
    test: "server/agent/mcp.test.ts",
    named: "keys cut out",
  },

  // Providers.
  {
    name: "nothing is asked again",
    file: "server/providers/upstream.ts",
    guard: "!mayRetry || attempt >= maxRetries",
    mutant: "true || attempt >= maxRetries",
    test: EVERY,
    named: "before the first byte",
  },
  {
    name: "silence is waited for",
    file: "server/providers/upstream.ts",
    guard: "if (!this.#isWaiting) return;",
    mutant: "return;",
    test: EVERY,
    named: "silence",
  },
  {
    name: "Stop does not reach the provider",
    file: "server/providers/upstream.ts",
    guard: "signal: AbortSignal.any([signal, watchdog.signal])",
    mutant: "signal: undefined",
    test: EVERY,
    named: "Stop closes",
  },
  {
    name: "the fallback model is asked after a word",
    file: "server/providers/fallback.ts",
    guard: 'chunk.type === "error" && !hasSaid',
    mutant: 'chunk.type === "error"',
    test: EVERY,
    named: "after the first token",
  },
];

/** Changes a module on its way to the test. */
function mutate({ file, guard, mutant, also = [] }, onMissing) {
  return {
    name: "mutant",
    enforce: "pre",
    transform(code, id) {
      if (id.split("?")[0] !== join(root, file)) return undefined;
      let changed = code;
      for (const [from, to] of [[guard, mutant], ...also]) {
        if (!changed.includes(from)) onMissing(from);
        // Not as a pattern: `$` stands for itself.
        changed = changed.replace(from, () => to);
      }
      return { code: changed, map: null };
    },
  };
}

const wanted = process.argv.slice(2).join(" ");
const chosen = MUTANTS.filter(({ name }) => name.includes(wanted));
const survivors = [];
for (const each of chosen) {
  const missing = [];
  const vitest = await startVitest(
    "test",
    [each.test],
    {
      root,
      config: false,
      watch: false,
      environment: "node",
      testTimeout: 30_000,
      // A mutant may make a process wait for ever; the test that fails says enough.
      bail: 1,
      reporters: [{}],
      ...(each.named ? { testNamePattern: each.named } : {}),
    },
    { plugins: [mutate(each, (guard) => missing.push(guard))], logLevel: "silent" },
  );
  const tests = vitest.state.getTestModules().flatMap((module) => [...module.children.allTests()]);
  const failed = tests.filter((test) => test.result().state === "failed");
  await vitest.close();
  const verdict = missing.length > 0 ? `is not there: ${missing.join()}` : failed.length > 0 ? undefined : `survives ${each.test}`;
  if (verdict) survivors.push(each.name);
  console.log(verdict ? `✗ ${each.name}: ${verdict}` : `✓ ${each.name}: noticed by "${failed[0].name}"`);
}
console.log(`\n${chosen.length - survivors.length} mutants noticed, ${survivors.length} not`);
process.exit(survivors.length === 0 && chosen.length > 0 ? 0 : 1);
