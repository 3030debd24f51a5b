/** Files that go along with a question: as they come in, as they are refused, as the model gets them. */
import { afterEach, describe, expect, it, vi } from "vitest";

import { ChatSession } from "../shared/session/chat-session.ts";
import { pageContext } from "../shared/session/context.ts";
import type { ChanlChat } from "./chanl-chat.ts";
import { mount, press, settle, texts, type, unmountAll, type Mounted } from "./testing/mount.ts";
import { ScriptedTransport } from "./testing/scripted-transport.ts";

afterEach(unmountAll);

const text = (name: string, words = "Some notes."): File => new File([words], name, { type: "text/plain" });

async function picture(name: string, width: number, height: number): Promise<File> {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d")!;
  // Noise, which nothing compresses well.
  for (let at = 0; at < 3_000; at++) {
    context.fillStyle = `hsl(${(at * 137) % 360} 80% 50%)`;
    context.fillRect((at * 7_919) % width, (at * 104_729) % height, width / 40, height / 40);
  }
  return new File([await canvas.convertToBlob({ type: "image/png" })], name, { type: "image/png" });
}

/** With a session of our own, as the element makes one for itself. */
async function mounted(properties: Partial<ChanlChat> = {}): Promise<Mounted> {
  const transport = new ScriptedTransport();
  const made = await mount({ attachments: true, ...properties }, transport);
  made.chat.session = new ChatSession({ transport, agentId: "test", context: pageContext(() => Promise.resolve([])) });
  await settle(made.chat);
  return made;
}

function paste({ input }: Mounted, files: readonly File[], words = ""): void {
  const data = new DataTransfer();
  for (const file of files) data.items.add(file);
  if (words) data.setData("text/plain", words);
  const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
  // What the browser does when nobody prevents it.
  if (input.dispatchEvent(event) && words) type(input, input.value + words);
}

const chips = ({ root }: Mounted): string[] => texts(root, '[part="attachment"] bdi');
const errors = ({ root }: Mounted): string[] => texts(root, '[part="attachment-error"]');
const hasChips = (made: Mounted, count: number): Promise<unknown> =>
  vi.waitUntil(() => made.root.querySelectorAll('[part="attachment"]:not([aria-busy])').length === count, { timeout: 10_000 });

it("a picture that is pasted reaches the model as a picture, a text as text between marks, and the question shows both", async () => {
  const made = await mounted();
  paste(made, [await picture("chart.png", 300, 200), text("notes.md", "The tide is at nine.")]);
  await hasChips(made, 2);
  type(made.input, "What do you see?");
  press(made.input, "Enter");
  await vi.waitUntil(() => made.transport.runs.length === 1);
  const [asked] = made.transport.last.request!.messages;
  expect(asked!.images).toEqual([{ mediaType: "image/png", data: expect.stringMatching(/^iVBOR/) }]);
  expect(asked!.content).toMatch(/<file id="[\w-]+" title="notes.md" part="file">\nThe tide is at nine.\n<\/file/);
  expect(asked!.content.endsWith("What do you see?")).toBe(true);
  await settle(made.chat);
  expect(texts(made.root, '[part="context"]')).toEqual(["chart.png", "notes.md · 20 characters"]);
  expect(chips(made)).toEqual([]);
});

it("goes without words", async () => {
  const made = await mounted();
  expect(made.button.getAttribute("aria-disabled")).toBe("true");
  paste(made, [text("notes.md")]);
  await hasChips(made, 1);
  expect(made.button.getAttribute("aria-disabled")).toBeNull();
  made.button.click();
  await vi.waitUntil(() => made.transport.runs.length === 1);
  expect(made.transport.last.request!.messages[0]!.content).toContain("Some notes.");
  await settle(made.chat);
  expect(made.root.querySelector('[part="bubble"]')).toBeNull();
});

describe("is refused beside the field, with the reason:", () => {
  it.each<[string, Partial<ChanlChat>, () => File[], string]>([
    ["what is neither picture nor text", {}, () => [new File([new Uint8Array([0, 1, 255, 254])], "a.bin")], "a.bin cannot be attached"],
    [
      "a picture that is none",
      {},
      () => [new File([new Uint8Array([255, 216, 0, 1])], "a.jpg", { type: "image/jpeg" })],
      "a.jpg cannot be attached",
    ],
    ["what is not accepted", { accept: "image/*, .md" }, () => [text("a.txt")], "a.txt cannot be attached"],
    ["what is too large", { maxFileSize: 2_000 }, () => [text("a.txt", "x".repeat(2_001))], "a.txt is larger than 2 kB"],
    ["more text than a question holds", {}, () => [text("a.txt", "x".repeat(95_000))], "a.txt is larger than 90 kB"],
    ["one too many", { maxFiles: 1 }, () => [text("a.txt"), text("b.txt")], "At most 1 file"],
  ])("%s", async (_name, rules, files, reason) => {
    const made = await mounted(rules);
    paste(made, files());
    await vi.waitUntil(() => errors(made).length > 0);
    expect(errors(made)).toEqual([reason]);
    await vi.waitUntil(() => made.root.querySelector('[data-announcer="assertive"]')!.textContent.includes(reason));
    await hasChips(made, rules.maxFiles === 1 ? 1 : 0);
  });

  it("by send() too, which sends nothing then", async () => {
    const made = await mounted();
    const failed = new Promise((resolve) => made.chat.addEventListener("chanl-error", ({ detail }) => resolve(detail.message)));
    expect(await made.chat.send("Hi", { files: [new File([new Uint8Array([0])], "a.bin")] })).toBeNull();
    expect(await failed).toBe("a.bin cannot be attached");
    expect(made.transport.runs).toHaveLength(0);
  });
});

it("parts carry what goes along with the words", async () => {
  const made = await mounted();
  void made.chat.send([
    { type: "context", id: "p1", kind: "page", title: "Sizes", url: "https://shop.example/sizes", text: "M is 98 cm." },
    { type: "text", text: "Is M right for me?" },
  ]);
  await vi.waitUntil(() => made.transport.runs.length === 1);
  expect(made.transport.last.request!.messages.at(-1)!.content).toContain("M is 98 cm.");
  expect(made.root.querySelector('[part~="message-user"]')!.textContent).toContain("Is M right for me?");
});

it("five large pictures fit into one request, sent before they are read too", async () => {
  const made = await mounted();
  paste(made, await Promise.all([1, 2, 3, 4, 5].map((at) => picture(`${at}.png`, 2_000, 1_500))));
  await vi.waitUntil(() => made.root.querySelectorAll('[part="attachment"][aria-busy]').length > 0);
  made.button.click();
  await vi.waitUntil(() => made.transport.runs.length === 1, { timeout: 10_000 });
  const { request } = made.transport.last;
  expect(request!.messages[0]!.images).toHaveLength(5);
  expect(JSON.stringify(request).length).toBeLessThan(200_000);
});

it("a long paste may become a file, and stays text unless one wants it", async () => {
  const made = await mounted();
  const words = "line of a log\n".repeat(400);
  type(made.input, "Why? ");
  paste(made, [], words);
  expect(made.input.value).toBe(`Why? ${words}`);
  const offer = await vi.waitUntil(() => made.root.querySelector<HTMLElement>(".take-paste"));
  offer.click();
  await hasChips(made, 1);
  expect(made.input.value).toBe("Why?");
  expect(chips(made)).toEqual(["Pasted text.txt"]);
  press(made.input, "Enter");
  await vi.waitUntil(() => made.transport.runs.length === 1);
  expect(made.transport.last.request!.messages[0]!.content).toContain(words.trim());
});

it("shows where files may be dropped, and takes them", async () => {
  const made = await mounted();
  const drag = (name: string, file: File): DragEvent => {
    const data = new DataTransfer();
    data.items.add(file);
    const event = new DragEvent(name, { dataTransfer: data, bubbles: true, cancelable: true, composed: true });
    made.input.dispatchEvent(event);
    return event;
  };
  expect(drag("dragenter", text("a.md")).defaultPrevented).toBe(true);
  const veil = await vi.waitUntil(() => made.root.querySelector('[part="drop-veil"]'));
  expect(veil.textContent).toBe("Drop files here");
  expect(drag("drop", text("a.md")).defaultPrevented).toBe(true);
  await hasChips(made, 1);
  expect(made.root.querySelector('[part="drop-veil"]')).toBeNull();
});

it("Backspace in the empty field takes the last away, a chip's button its own, and the focus stays in the field", async () => {
  const made = await mounted();
  paste(made, [text("a.md"), text("b.md"), text("c.md")]);
  await hasChips(made, 3);
  made.root.querySelector<HTMLElement>('[part="attachment"] button')!.click();
  await hasChips(made, 2);
  expect(made.root.activeElement).toBe(made.input);
  press(made.input, "Backspace");
  await hasChips(made, 1);
  expect(chips(made)).toEqual(["b.md"]);
});

it("comes back with the words when a send fails, and waits with them while an answer runs", async () => {
  const made = await mounted();
  paste(made, [text("a.md")]);
  await hasChips(made, 1);
  type(made.input, "Look");
  press(made.input, "Enter");
  await vi.waitUntil(() => made.transport.runs.length === 1);
  made.transport.last.push({ type: "error", code: "network", message: "x", retryable: true });
  await hasChips(made, 1);
  expect(made.input.value).toBe("Look");

  press(made.input, "Enter");
  await vi.waitUntil(() => made.transport.runs.length === 2);
  made.transport.last.start().text("Yes. ");
  paste(made, [text("b.md", "The second.")]);
  await hasChips(made, 1);
  press(made.input, "Enter");
  await vi.waitUntil(() => texts(made.root, '[part="queued"] span')[0] === "b.md");
  type(made.input, "And this?");
  made.root.querySelector<HTMLElement>('[part="queued"] button')!.click();
  await hasChips(made, 1);
  expect([made.input.value, made.root.activeElement]).toEqual(["And this?", made.input]);
  press(made.input, "Enter");
  await vi.waitUntil(() => texts(made.root, '[part="queued"] span')[0] === "And this?");
  made.transport.last.done();
  await vi.waitUntil(() => made.transport.runs.length === 3);
  expect(made.transport.last.request!.messages.at(-1)!.content).toContain("The second.");
});

it("is not offered where a session could not carry it, or nobody asked for it", async () => {
  const { root } = await mount({ attachments: true });
  expect(root.querySelector('[part="attach-button"]')).toBeNull();
  const made = await mounted({ attachments: false });
  expect(made.root.querySelector('[part="attach-button"]')).toBeNull();
  paste(made, [text("a.md")]);
  await settle(made.chat);
  expect(chips(made)).toEqual([]);
});

describe("a hotkey", () => {
  const key = (init: KeyboardEventInit): KeyboardEvent => {
    const event = new KeyboardEvent("keydown", { bubbles: true, cancelable: true, ...init });
    document.body.dispatchEvent(event);
    return event;
  };

  it("opens and closes a floating chat, goes to the composer of another, and is gone with the element", async () => {
    const { chat } = await mount({ mode: "floating", hotkey: "ctrl+shift+u" });
    await settle(chat);
    expect(key({ key: "u", code: "KeyU", ctrlKey: true }).defaultPrevented).toBe(false);
    expect(key({ key: "U", code: "KeyU", ctrlKey: true, shiftKey: true }).defaultPrevented).toBe(true);
    await vi.waitUntil(() => chat.open);
    key({ key: "U", code: "KeyU", ctrlKey: true, shiftKey: true });
    await vi.waitUntil(() => !chat.open);
    chat.mode = "inline";
    await settle(chat);
    key({ key: "U", code: "KeyU", ctrlKey: true, shiftKey: true });
    expect(chat.shadowRoot!.activeElement?.getAttribute("part")).toBe("input");
    chat.remove();
    expect(key({ key: "U", code: "KeyU", ctrlKey: true, shiftKey: true }).defaultPrevented).toBe(false);
  });

  it.each(["k", "shift+k", "hyper+k", "mod+"])("%j is refused with words", async (hotkey) => {
    const { chat } = await mount();
    const failed = new Promise<string>((resolve) => chat.addEventListener("chanl-error", ({ detail }) => resolve(detail.message)));
    chat.hotkey = hotkey;
    expect(await failed).toContain("is no shortcut");
    expect(key({ key: "k", code: "KeyK" }).defaultPrevented).toBe(false);
  });
});
