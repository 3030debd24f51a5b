/** What custom-elements.json says of the element, asked of the built element in a page: both ways. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright";
import { expect, test } from "vitest";

import { until } from "./testing/browser.ts";
import { root } from "./testing/gateway-process.ts";
import { servedPages } from "./testing/served-pages.ts";

interface Named {
  name: string;
}
interface Declaration {
  attributes: (Named & { fieldName: string })[];
  members: (Named & { kind: "field" | "method"; attribute?: string; reflects?: true })[];
  events: Named[];
  slots: Named[];
  cssProperties: Named[];
}

const [declaration] = (
  JSON.parse(readFileSync(join(root, "dist", "custom-elements.json"), "utf8")) as { modules: { declarations: Declaration[] }[] }
).modules[0]!.declarations as [Declaration];
const names = (list: readonly Named[]): string[] => list.map(({ name }) => name).toSorted();

const served = servedPages();

async function open(state: string, mode = "inline"): Promise<Page> {
  const page = await served.browser.newPage({ viewport: { width: 1_000, height: 900 } });
  await page.goto(`${served.gateway.origin}/?state=${state}&mode=${mode}`);
  await page.locator('chanl-chat [part~="composer"]').waitFor();
  return page;
}

test("each attribute sets its property, those that reflect come back, and no other is observed", async () => {
  const page = await open("empty");
  const told = await page.evaluate(
    async ({ attributes, reflecting }) => {
      const Chat = customElements.get("chanl-chat") as CustomElementConstructor & { observedAttributes: string[] };
      const deaf: string[] = [];
      for (const { name, fieldName } of attributes) {
        const chat = new Chat() as HTMLElement & Record<string, unknown>;
        const before = JSON.stringify(chat[fieldName]);
        chat.setAttribute(name, typeof chat[fieldName] === "number" ? "4" : "one");
        if (JSON.stringify(chat[fieldName]) === before) deaf.push(name);
      }
      const silent: string[] = [];
      for (const { name, attribute } of reflecting) {
        const chat = new Chat() as HTMLElement & Record<string, unknown>;
        chat[name] = typeof chat[name] === "boolean" ? true : "one";
        document.body.append(chat);
        await chat["updateComplete"];
        if (!chat.hasAttribute(attribute)) silent.push(attribute);
        chat.remove();
      }
      return { deaf, silent, observed: Chat.observedAttributes };
    },
    {
      attributes: declaration.attributes,
      reflecting: declaration.members.flatMap(({ name, attribute, reflects }) => (reflects && attribute ? [{ name, attribute }] : [])),
    },
  );
  expect(told.deaf).toEqual([]);
  // `lang` is every element's.
  expect(told.observed.filter((name) => name !== "lang").toSorted()).toEqual(names(declaration.attributes));
  expect(told.silent).toEqual([]);
  await page.close();
});

/** Of Lit and of the platform, and the three by which the element's session speaks to it. */
const NOT_FOR_OWNERS = new Set(
  "constructor attributeChangedCallback connectedCallback disconnectedCallback createRenderRoot willUpdate render updated sessionConfig chunkApplied conversationChanged".split(
    " ",
  ),
);

test("each method and property is there, and none that is not told of", async () => {
  const page = await open("empty");
  const own = await page.evaluate(() => {
    const { prototype } = customElements.get("chanl-chat")!;
    return Object.entries(Object.getOwnPropertyDescriptors(prototype)).map(([name, { value }]) => ({
      name,
      kind: typeof value === "function" ? "method" : "field",
    }));
  });
  const methods = own.filter(({ name, kind }) => kind === "method" && !NOT_FOR_OWNERS.has(name));
  expect(names(methods)).toEqual(names(declaration.members.filter(({ kind }) => kind === "method")));
  const fields = declaration.members.filter(({ kind }) => kind === "field");
  const accessors = own.filter(({ kind }) => kind === "field");
  expect(accessors.filter(({ name }) => !fields.some((field) => field.name === name))).toEqual([]);
  const missing = await page.evaluate(
    (all) => all.filter((name) => !(name in document.querySelector("chanl-chat")!)),
    fields.map(({ name }) => name),
  );
  expect(missing).toEqual([]);
  await page.close();
});

test("each slot takes what is put into it", async () => {
  const page = await open("empty", "floating");
  const unassigned = await page.evaluate(async (slots) => {
    const chat = document.querySelector<HTMLElement & { hide(): Promise<void> }>("chanl-chat")!;
    const fillers = slots.map((slot) => Object.assign(document.createElement("i"), { slot }));
    chat.append(...fillers);
    const empty = (): string[] => fillers.filter(({ assignedSlot }) => assignedSlot === null).map(({ slot }) => slot);
    const whileOpen = empty();
    // The launcher of an open chat shows how to close it.
    await chat.hide();
    const whileClosed = new Set(empty());
    return whileOpen.filter((slot) => whileClosed.has(slot));
  }, names(declaration.slots));
  expect(unassigned).toEqual([]);
  await page.close();
});

test("each variable is in a style sheet of the page, and no other is", async () => {
  const page = await open("empty");
  const css = await page.evaluate(() =>
    document
      .querySelector("chanl-chat")!
      .shadowRoot!.adoptedStyleSheets.flatMap((sheet) => [...sheet.cssRules].map((rule) => rule.cssText))
      .join("\n"),
  );
  const used = new Set(css.match(/(?<=var\(\s*)--chanl-[\w-]+/g));
  expect([...used].toSorted()).toEqual(names(declaration.cssProperties));
  await page.close();
});

test("each event is fired by what people do, and no other", async () => {
  const fired = new Set<string>();
  const context = await served.browser.newContext({
    viewport: { width: 1_000, height: 900 },
    permissions: ["clipboard-read", "clipboard-write"],
  });
  await context.exposeBinding("heard", (_source, type: string) => void fired.add(type));
  await context.addInitScript(() => {
    // oxlint-disable-next-line typescript/unbound-method
    const dispatch = EventTarget.prototype.dispatchEvent;
    EventTarget.prototype.dispatchEvent = function (this: EventTarget, event) {
      const { heard } = globalThis as unknown as { heard: (type: string) => void };
      if (event.type.startsWith("chanl-")) heard(event.bubbles && event.composed ? event.type : `${event.type} does not leave`);
      return dispatch.call(this, event);
    };
  });
  const has = (type: string): Promise<void> => until(() => fired.has(type), type);
  const page = await context.newPage();
  const goto = async (state: string, mode = "inline"): Promise<void> => {
    await page.goto(`${served.gateway.origin}/?state=${state}&mode=${mode}`);
    await page.locator('chanl-chat [part~="composer"]').waitFor();
  };
  const button = (name: string) => page.locator("chanl-chat").getByRole("button", { name }).last();

  await goto("complete", "floating");
  await button("Copy answer").click();
  await has("chanl-copy");
  await button("Good answer").click();
  await has("chanl-feedback");
  await page.locator("chanl-chat").evaluate((chat) => {
    chat.addEventListener("chanl-link-click", (event) => event.preventDefault(), { once: true });
    const link = document.createElement("a");
    link.href = "https://example.com/";
    chat.shadowRoot!.querySelector('[part~="content"]')!.append(link);
    link.click();
  });
  await has("chanl-link-click");
  await page.keyboard.press("Escape");
  await has("chanl-after-hide");
  await page.locator("chanl-chat").evaluate((chat) => void (chat as unknown as { send(text: string): unknown }).send("Again"));
  await has("chanl-unread");
  await page.locator('chanl-chat [part~="launcher"]').click();
  await has("chanl-after-show");
  await button("New conversation").click();
  await has("chanl-conversation-change");
  await goto("tools");
  await has("chanl-approval-request");
  await button("Allow once").click();
  await has("chanl-approval");
  await button("Stop generating").click();
  await has("chanl-stop");
  await goto("reconnecting");
  await has("chanl-reconnect");
  await goto("error");
  await has("chanl-error");
  expect([...fired].toSorted()).toEqual(names(declaration.events));
  await context.close();
});
