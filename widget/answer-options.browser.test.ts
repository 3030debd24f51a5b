/** What an owner may switch on in answers: images of trusted hosts, mathematics. */
import { afterEach, describe, expect, it, vi } from "vitest";

import "./define.ts";
import { mount, settle, unmountAll } from "./testing/mount.ts";

afterEach(() => {
  unmountAll();
  vi.restoreAllMocks();
});

/** An element written as a page writes it; answers with `text`. */
async function answer(attributes: string, text: string): Promise<HTMLElement> {
  const { chat, root, transport } = await mount(undefined, undefined, attributes);
  void chat.send("Hi");
  transport.last.start().text(text).done();
  await settle(chat);
  return root.querySelector<HTMLElement>(".md")!;
}

const PICTURES = ["https://img.example.com/a.png", "https://other.example.com/b.png", "http://img.example.com/c.png"];
const text = PICTURES.map((src) => `![picture](${src})`).join("\n\n");
const shown = (host: HTMLElement): (string | null)[] => [...host.querySelectorAll("img")].map((image) => image.getAttribute("src"));

describe("allow-image-hosts", () => {
  it("shows no image without a click unless its host is named", async () => {
    const warn = vi.spyOn(console, "warn");
    const host = await answer("", text);
    expect([shown(host), host.querySelectorAll("button").length]).toEqual([[], 3]);
    expect(warn).not.toHaveBeenCalled();
  });

  it.each([
    ["img.example.com", PICTURES.slice(0, 1)],
    ["https://img.example.com/ IMG.example.com", PICTURES.slice(0, 1)],
    ["http://img.example.com\n other.example.com", PICTURES.slice(1)],
  ])("%o", async (hosts, expected) => {
    const host = await answer(`allow-image-hosts="${hosts}"`, text);
    expect(shown(host)).toEqual(expected);
    expect(host.querySelectorAll("button")).toHaveLength(3 - expected.length);
  });

  it("`data:` stands for images in the text", async () => {
    const pixel = "data:image/png;base64,iVBORw0KGgo=";
    expect(shown(await answer("", `![x](${pixel})`))).toEqual([]);
    expect(shown(await answer('allow-image-hosts="data:"', `![x](${pixel})`))).toEqual([pixel]);
  });

  it.each([
    "*",
    "https://*.example.com",
    "https://img.example.com/a",
    "https://me@img.example.com",
    "javascript:alert(1)",
    "ftp://img.example.com",
    "a b:c",
  ])("%o is said in the console, once, and trusts nobody", async (hosts) => {
    const warn = vi.spyOn(console, "warn").mockReturnValue();
    const { chat, root, transport } = await mount({ allowImageHosts: [hosts, "other.example.com"] });
    for (let count = 0; count < 2; count++) {
      void chat.send("Hi");
      transport.last.start().text(text).done();
      await settle(chat);
    }
    const images = [...root.querySelectorAll("img")].map((image) => image.getAttribute("src"));
    expect(images).toEqual([PICTURES[1], PICTURES[1]]);
    expect(warn.mock.calls).toEqual([[expect.stringContaining(`allow-image-hosts: "${hosts}" is left out`)]]);
  });

  it("says what the property takes", async () => {
    const warn = vi.spyOn(console, "warn").mockReturnValue();
    const { chat, root, transport } = await mount();
    Reflect.set(chat, "allowImageHosts", "img.example.com");
    void chat.send("Hi");
    transport.last.start().text(text).done();
    await settle(chat);
    expect(root.querySelector("img")).toBeNull();
    expect(warn).toHaveBeenCalledWith(expect.stringContaining("must be an array"));
  });
});

describe("math", () => {
  const formula = "Energy is $E = mc^2$, and \\(x\\) costs $5.";

  it("leaves TeX as it was written unless it is asked for", async () => {
    const host = await answer("", formula);
    expect(host.querySelector("math, .math")).toBeNull();
    expect(host.textContent).toContain("$E = mc^2$");
  });

  it("sets it where it is", async () => {
    const host = await answer("math", formula);
    await vi.waitFor(() => expect(host.querySelectorAll("math")).toHaveLength(2));
    expect(host.textContent).toContain("costs $5.");
  });
});
