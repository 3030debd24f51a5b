/**
 * Hostile text where it is no Markdown: questions, tools, sources, file names, errors, and what the page's owner passes on. The tree it
 * makes is the tree that harmless words make. The long list of payloads is public; without it our own are used.
 */
import { afterEach, expect, it } from "vitest";

import { mount, settle, unmountAll, wait } from "./testing/mount.ts";

afterEach(unmountAll);

const files = import.meta.glob<{ cases: { payload: string }[] }>("../../shared/fixtures/xss/*.json", { import: "default" });
const load = Object.values(files)[0];

const OWN = [
  "<img src=https://evil.example/x onerror=alert(1)>",
  "<script>alert(1)</script><svg/onload=alert(1)>",
  "javascript:alert(1)",
  "data:text/html,<script>alert(1)</script>",
  '"><iframe srcdoc="<script>alert(1)</script>">',
  "' onmouseover='alert(1)",
  "${alert(1)} {{constructor.constructor('alert(1)')()}}",
];

/** Elements with their attributes, each kind once, and the schemes that links have. */
function kinds(root: ParentNode): string[] {
  const found = new Set<string>();
  for (const element of root.querySelectorAll("*")) {
    found.add(`${element.localName} ${element.getAttributeNames().toSorted().join(" ")}`);
    if (element instanceof HTMLAnchorElement) found.add(`a to ${element.protocol}`);
  }
  return [...found].toSorted();
}

/** What a chat with this text in every place looks like, tool cards unfolded. */
async function show(text: string): Promise<string[]> {
  const { chat, root, transport } = await mount({
    name: text,
    subtitle: text,
    greeting: text,
    placeholder: text,
    starters: [text],
    attachments: true,
    strings: { "chat.title": text, "act.copy": text },
  });
  const empty = kinds(root);
  void chat.send(text);
  transport.last
    .start(text)
    .push(
      { type: "tool_call", index: 0, id: "1", name: text, arguments: { [text]: text }, runsOn: "server" },
      { type: "tool_result", id: "1", name: text, result: { [text]: [text] }, ms: 1 },
      { type: "tool_call", index: 1, id: "2", name: text, arguments: { text }, runsOn: "server" },
      { type: "tool_result", id: "2", name: text, error: text, ms: 1 },
      { type: "source", id: "1", title: "One", url: "https://example.com/a" },
      { type: "source", id: "2", title: text, url: text },
    )
    .push({ type: "error", code: "provider_error", message: text, retryable: false });
  await settle(chat);
  for (const row of root.querySelectorAll<HTMLElement>(".th[aria-expanded='false']")) row.click();
  await settle(chat);
  for (const link of root.querySelectorAll("a")) {
    link.addEventListener("click", (event) => event.preventDefault());
    link.click();
  }
  const all = [...new Set([...empty, ...kinds(root)])].toSorted();
  expect(root.textContent).toContain(text);
  chat.remove();
  return all;
}

it(
  "makes the same elements, attributes and schemes as harmless words, runs nothing and asks for nothing",
  { timeout: 60_000 },
  async () => {
    let ran = 0;
    const alert = window.alert;
    window.alert = () => void ran++;
    const requests: string[] = [];
    const observer = new PerformanceObserver((list) => requests.push(...list.getEntries().map(({ name }) => name)));
    observer.observe({ type: "resource", buffered: false });
    // Long ones scroll and fold.
    const harmless = new Set([...(await show("words")), ...(await show("many harmless words ".repeat(12).trim()))]);
    requests.length = 0;
    const listed = ((await load?.())?.cases ?? []).map(({ payload }) => payload).filter((payload) => payload.length < 400);
    if (load) expect(listed.length).toBeGreaterThan(60);
    for (const payload of [...OWN, ...listed.slice(0, 80)])
      expect(
        (await show(payload.trim())).filter((kind) => !harmless.has(kind)),
        payload,
      ).toEqual([]);
    await wait(200);
    observer.disconnect();
    window.alert = alert;
    expect(ran).toBe(0);
    expect(requests.filter((url) => !url.startsWith(location.origin))).toEqual([]);
  },
);
