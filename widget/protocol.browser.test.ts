/** An endpoint that speaks a provider's format, asked by the page. */
import { afterEach, expect, it, vi } from "vitest";

import "./define.ts";
import type { ChanlChat } from "./chanl-chat.ts";
import { settle, texts, unmountAll } from "./testing/mount.ts";

afterEach(unmountAll);

interface Asked {
  url: string;
  body: { model?: string; messages: { role: string; content: string }[] };
}

function chatWith(protocol: string, asked: Asked[], ...events: (object | string)[]): ChanlChat {
  const chat = document.createElement("chanl-chat");
  chat.setAttribute("protocol", protocol);
  Object.assign(chat, {
    endpoint: "https://models.example/v1/chat/completions",
    agentId: "some-model",
    storage: "none",
    fetch: (url: string, { body }: { body: string }) => {
      asked.push({ url, body: JSON.parse(body) as Asked["body"] });
      const text = events.map((event) => `data: ${typeof event === "string" ? event : JSON.stringify(event)}\n\n`).join("");
      return Promise.resolve(new Response(text, { headers: { "Content-Type": "text/event-stream" } }));
    },
  });
  document.body.append(chat);
  return chat;
}

const delta = (content: string): object => ({ choices: [{ index: 0, delta: { content } }] });

it("answers, and the next question carries what was said", async () => {
  const asked: Asked[] = [];
  const chat = chatWith(
    "openai",
    asked,
    delta("It is **a chat**."),
    { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
    "[DONE]",
  );
  await chat.preload();
  await chat.send("What is this?");
  await settle(chat);
  expect(texts(chat.shadowRoot!, ".md strong")).toEqual(["a chat"]);
  expect(chat.messages.at(-1)?.status).toBe("complete");
  await chat.send("And then?");
  expect(asked.map(({ url }) => url)).toEqual(Array.from({ length: 2 }, () => "https://models.example/v1/chat/completions"));
  expect(asked[1]!.body.model).toBe("some-model");
  expect(asked[1]!.body.messages.map(({ content }) => content)).toEqual(["What is this?", "It is **a chat**.", "And then?"]);
});

it("says that an answer was cut, keeps it, and asks again", async () => {
  const asked: Asked[] = [];
  const chat = chatWith("openai", asked, delta("Half an"));
  await chat.preload();
  const errors = vi.fn();
  chat.addEventListener("chanl-error", ({ detail }) => errors(detail.code));
  await chat.send("What is this?");
  await settle(chat);
  expect(errors).toHaveBeenCalledWith("truncated");
  expect(texts(chat.shadowRoot!, ".md")).toEqual(["Half an"]);
  expect(chat.messages.at(-1)?.status).toBe("interrupted");
  await chat.retry();
  expect(asked).toHaveLength(2);
});

it("what it does not know is taken for the gateway's", async () => {
  const asked: Asked[] = [];
  const chat = chatWith("opnai", asked);
  await chat.preload();
  void chat.send("Hi");
  await vi.waitUntil(() => asked.length > 0);
  expect(asked[0]!.url).toBe("https://models.example/v1/chat/completions/stream");
  await chat.stop();
});
