import { afterEach, expect, it, vi } from "vitest";

import "./define.ts";

import { unmountAll } from "./testing/mount.ts";

afterEach(unmountAll);

let times = 0;
// Not `new URL("…", import.meta.url)`: the bundler would take that for an asset.
const folder = import.meta.url.replace(/[^/]*$/, "");

function embed(data: Record<string, string>): HTMLScriptElement {
  const script = document.createElement("script");
  script.type = "module";
  times += 1;
  script.src = `${folder}embed.ts?${times}`;
  Object.assign(script.dataset, { src: `${folder}index.ts`, ...data });
  document.body.append(script);
  return script;
}

it("makes a chat of a script tag, with its data as attributes", async () => {
  embed({ endpoint: "/api/chat", agentId: "docs", storage: "none", launcher: "pill", launcherLabel: "Ask us" });
  const chat = await vi.waitUntil(() => document.querySelector("chanl-chat"));
  expect(chat.getAttribute("agent-id")).toBe("docs");
  expect(chat.getAttribute("mode")).toBe("floating");
  await vi.waitUntil(() => chat.shadowRoot?.querySelector(".launch"));
  expect(chat.shadowRoot!.querySelector(".launch")!.textContent?.trim()).toBe("Ask us");
  await vi.waitFor(() => expect(document.querySelectorAll("body > div")).toHaveLength(0));
});

it("stands where its script stands when it does not float", async () => {
  const script = embed({ endpoint: "/api/chat", mode: "inline", storage: "none" });
  const chat = await vi.waitUntil(() => document.querySelector("chanl-chat"));
  expect(script.nextElementSibling).toBe(chat);
});
