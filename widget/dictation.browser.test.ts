/** Dictation, with a recogniser that hears what the test says: the browser's own needs a microphone and a network. */
import { afterEach, expect, it, vi } from "vitest";

import { mount, press, settle, texts, type, unmountAll, type Mounted } from "./testing/mount.ts";

class Recogniser extends EventTarget {
  static made: Recogniser[] = [];
  lang = "";
  continuous = false;
  interimResults = false;
  running = false;

  constructor() {
    super();
    Recogniser.made.push(this);
  }

  start(): void {
    this.running = true;
  }

  abort(): void {
    this.running = false;
  }

  hear(...parts: string[]): void {
    this.dispatchEvent(Object.assign(new Event("result"), { results: parts.map((transcript) => [{ transcript }]) }));
  }

  fail(error: string): void {
    this.dispatchEvent(Object.assign(new Event("error"), { error }));
    this.dispatchEvent(new Event("end"));
  }
}

/** Under both of its names. */
function give(made: typeof Recogniser | undefined): void {
  for (const name of ["SpeechRecognition", "webkitSpeechRecognition"]) vi.stubGlobal(name, made);
}

afterEach(() => {
  unmountAll();
  vi.unstubAllGlobals();
  Recogniser.made = [];
});

const button = ({ root }: Mounted): HTMLButtonElement | null => root.querySelector<HTMLButtonElement>('[part="speech-button"]');

async function listening(): Promise<{ mounted: Mounted; heard: Recogniser }> {
  give(Recogniser);
  const mounted = await mount({ speechInput: true });
  await vi.waitUntil(() => button(mounted));
  button(mounted)!.click();
  await settle(mounted.chat);
  return { mounted, heard: Recogniser.made[0]! };
}

it("is not there unless it was asked for and the browser can listen", async () => {
  give(undefined);
  const without = await mount({ speechInput: true });
  await without.chat.updateComplete;
  await settle(without.chat);
  expect(button(without)).toBeNull();
  give(Recogniser);
  const unasked = await mount();
  await settle(unasked.chat);
  expect(button(unasked)).toBeNull();
  expect(Recogniser.made).toEqual([]);
});

it("what is heard stands behind what was written, in the language of the chat, and is not sent", async () => {
  give(Recogniser);
  const mounted = await mount({ speechInput: true }, undefined, 'lang="de"');
  await vi.waitUntil(() => button(mounted)?.getAttribute("aria-label") === "Diktieren", { timeout: 5_000 });
  type(mounted.input, "Bitte:");
  button(mounted)!.click();
  await settle(mounted.chat);
  const [heard] = Recogniser.made;
  expect(heard).toMatchObject({ lang: "de", continuous: true, interimResults: true, running: true });
  expect(button(mounted)!.getAttribute("aria-pressed")).toBe("true");
  heard!.hear("wo ist");
  expect(mounted.input.value).toBe("Bitte: wo ist");
  heard!.hear("Wo ist", " mein Paket");
  await settle(mounted.chat);
  expect(mounted.input.value).toBe("Bitte: Wo ist mein Paket");
  expect(mounted.transport.runs).toHaveLength(0);
  button(mounted)!.click();
  await settle(mounted.chat);
  expect(heard!.running).toBe(false);
  expect(button(mounted)!.getAttribute("aria-pressed")).toBe("false");
  heard!.hear("zu spät");
  expect(mounted.input.value).toBe("Bitte: Wo ist mein Paket");
});

it("who types goes on by hand, and a question that is sent takes what is heard later with it", async () => {
  const { mounted, heard } = await listening();
  heard.hear("Where is");
  type(mounted.input, "Where is it?");
  heard.hear("Where is my");
  await settle(mounted.chat);
  expect(mounted.input.value).toBe("Where is it?");
  expect(heard.running).toBe(false);
  button(mounted)!.click();
  await settle(mounted.chat);
  press(mounted.input, "Enter");
  await settle(mounted.chat);
  Recogniser.made[1]!.hear("Where is it? Or not");
  await settle(mounted.chat);
  expect(mounted.input.value).toBe("");
  expect(Recogniser.made[1]!.running).toBe(false);
});

it("says why nothing is heard, and that silence is no fault", async () => {
  const { mounted, heard } = await listening();
  heard.fail("no-speech");
  await settle(mounted.chat);
  expect(texts(mounted.root, '[part="speech-error"]')).toEqual([]);
  button(mounted)!.click();
  Recogniser.made[1]!.fail("not-allowed");
  await settle(mounted.chat);
  expect(texts(mounted.root, '[part="speech-error"]')).toEqual(["The microphone is not allowed here"]);
  expect(button(mounted)!.getAttribute("aria-pressed")).toBe("false");
  button(mounted)!.click();
  await settle(mounted.chat);
  expect(texts(mounted.root, '[part="speech-error"]')).toEqual([]);
});

it("stops when the element leaves the page", async () => {
  const { mounted, heard } = await listening();
  mounted.chat.remove();
  expect(heard.running).toBe(false);
});
