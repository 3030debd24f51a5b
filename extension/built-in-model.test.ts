import { afterEach, beforeEach, expect, test } from "vitest";

import { ChatSession } from "../shared/session/chat-session.ts";
import { messageText } from "../shared/session/message.ts";
import { builtInAvailability, createBuiltInTransport } from "./built-in-model.ts";
import english from "./public/_locales/en/messages.json" with { type: "json" };

/** No browser of the tests has the model, so its interface is played here; what is under test is the real session over it. */
interface Played {
  availability?: string;
  /** Only these are spoken; Chrome refuses the others by rejecting. */
  languages?: readonly string[];
  /** Most messages that fit. */
  room?: number;
  downloads?: readonly number[];
  words?: readonly string[];
  /** Never ends by itself. */
  hangs?: boolean;
  breaks?: Error;
}

let prompts: { role: string; content: string }[][] = [];
let created: { expectedOutputs: { languages: string[] }[] }[] = [];
let destroyed = 0;

function play({
  availability = "available",
  languages = ["en"],
  room = 99,
  downloads = [],
  words = ["Hello ", "there."],
  hangs,
  breaks,
}: Played): void {
  const model = {
    availability: ({ expectedOutputs }: (typeof created)[number]) =>
      languages.includes(expectedOutputs[0]!.languages[0]!)
        ? Promise.resolve(availability)
        : Promise.reject(new DOMException("", "NotSupportedError")),
    create(options: (typeof created)[number] & { monitor(target: EventTarget): void }) {
      created.push(options);
      const target = new EventTarget();
      options.monitor(target);
      for (const loaded of downloads) target.dispatchEvent(Object.assign(new Event("downloadprogress"), { loaded, total: 1 }));
      return Promise.resolve({
        destroy: () => void destroyed++,
        promptStreaming(input: { role: string; content: string }[], { signal }: { signal: AbortSignal }) {
          prompts.push(input);
          return new ReadableStream<string>({
            start(controller) {
              if (breaks) return controller.error(breaks);
              if (input.length > room) return controller.error(new DOMException("too long", "QuotaExceededError"));
              for (const word of words) controller.enqueue(word);
              signal.addEventListener("abort", () => controller.error(signal.reason));
              if (!hangs) controller.close();
            },
          });
        },
      });
    },
  };
  (globalThis as { LanguageModel?: unknown }).LanguageModel = model;
}

beforeEach(() => {
  prompts = [];
  created = [];
  destroyed = 0;
  (globalThis as { chrome?: unknown }).chrome = {
    i18n: { getUILanguage: () => "de-AT", getMessage: (key: keyof typeof english) => english[key].message },
  };
});

afterEach(() => delete (globalThis as { LanguageModel?: unknown }).LanguageModel);

const sessionOf = (onDownload?: (share: number) => void): ChatSession =>
  new ChatSession({ transport: createBuiltInTransport(onDownload ? { onDownload } : {}), agentId: "docs" });

test("an answer comes word by word into the same session, with its metrics, and the model is let go of", async () => {
  play({});
  const session = sessionOf();
  const answer = await session.send("Who are you?");
  expect(answer).toMatchObject({ status: "complete", metrics: { tokenCount: 2, estimated: true } });
  expect(messageText(answer!)).toBe("Hello there.");
  expect(prompts).toEqual([[{ role: "user", content: "Who are you?" }]]);
  expect(destroyed).toBe(1);
});

test("the person's language is asked for where the model speaks it, and English where not", async () => {
  play({ languages: ["en", "de"] });
  await sessionOf().send("Wer bist du?");
  play({ languages: ["en"] });
  await sessionOf().send("Wer bist du?");
  expect(created.map(({ expectedOutputs }) => expectedOutputs[0]!.languages)).toEqual([["de"], ["en"]]);
});

test.each([
  ["no model in this browser", undefined, "unavailable"],
  ["a model that cannot run here", { availability: "unavailable" }, "unavailable"],
  ["a model that speaks none of the languages", { languages: ["xx"] }, "unavailable"],
  ["a model that would be downloaded", { availability: "downloadable" }, "downloadable"],
  ["a model that is being downloaded", { availability: "downloading" }, "downloadable"],
  ["a model that is ready", {}, "available"],
])("%s is told as that", async (_, played, state) => {
  if (played) play(played);
  expect(await builtInAvailability()).toBe(state);
  const answer = await sessionOf().send("Hello?");
  if (state === "unavailable")
    expect(answer).toMatchObject({
      status: "error",
      error: { code: "provider_unavailable", message: "This browser has no built-in model." },
    });
  else expect(answer?.status).toBe("complete");
});

test("while the model is downloaded its share is told", async () => {
  play({ availability: "downloadable", downloads: [0, 0.25, 1] });
  const shares: number[] = [];
  await sessionOf((share) => shares.push(share)).send("Hello?");
  expect(shares).toEqual([0, 0.25, 1]);
});

test("Stop ends it, keeps what came, and lets go of the model", async () => {
  play({ hangs: true });
  const session = sessionOf();
  const answered = session.send("Go on for ever");
  await expect.poll(() => messageText(session.getSnapshot().messages.at(-1)!)).toBe("Hello there.");
  await session.stop();
  expect(await answered).toMatchObject({ status: "stopped" });
  await expect.poll(() => destroyed).toBe(1);
  expect(session.getSnapshot().isStreaming).toBe(false);
});

test("what no longer fits leaves out the oldest until it does; the last question always goes", async () => {
  play({});
  const session = sessionOf();
  for (const question of ["one", "two", "three"]) await session.send(question);
  play({ room: 2 });
  prompts = [];
  expect((await session.send("four"))?.status).toBe("complete");
  expect(prompts.map((input) => input.length)).toEqual([7, 3, 1]);
  expect(prompts.at(-1)).toEqual([{ role: "user", content: "four" }]);
});

test("a question that does not fit by itself is refused in words, and keeps the conversation", async () => {
  play({ room: 0 });
  const session = sessionOf();
  const answer = await session.send("A whole book");
  expect(answer).toMatchObject({ status: "error", error: { code: "payload_too_large", message: english.builtInTooLong.message } });
  expect(session.getSnapshot().messages[0]).toMatchObject({ role: "user" });
  expect(destroyed).toBe(1);
});

test("what else breaks in the model is told without its own words", async () => {
  play({ breaks: new Error("GPU process 4711 crashed at 0xdead") });
  expect(await sessionOf().send("Hello?")).toMatchObject({ status: "error", error: { message: english.builtInFailed.message } });
});

test("an answer that was cut off with its panel cannot be picked up, and says so", async () => {
  play({});
  const transport = createBuiltInTransport();
  const chunks = [];
  for await (const chunk of transport.resume("gone", 3)) chunks.push(chunk);
  expect(chunks).toMatchObject([{ type: "error", code: "truncated", message: english.builtInEnded.message }]);
});

test("who cancels the stream hears that it was cancelled, not that the model broke", async () => {
  play({ hangs: true });
  const transport = createBuiltInTransport();
  const types: string[] = [];
  for await (const chunk of transport.send({ agentId: "docs", requestId: "r1", messages: [{ role: "user", content: "Go on" }] })) {
    types.push(chunk.type);
    if (chunk.type === "token") transport.close();
  }
  expect(types.at(-1)).toBe("cancelled");
});
