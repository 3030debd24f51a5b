import { afterEach, expect, it, vi } from "vitest";
import { page } from "vitest/browser";

import "../define.ts";
import { mount, press, settle, unmountAll, wait, type Mounted } from "../testing/mount.ts";

afterEach(async () => {
  unmountAll();
  await page.viewport(1024, 768);
});

const dialog = ({ root }: Mounted): HTMLDialogElement => root.querySelector("dialog")!;
const launcher = ({ root }: Mounted): HTMLButtonElement => root.querySelector<HTMLButtonElement>(".launch")!;

it("opens by its launcher into the composer, and Escape gives the focus back", async () => {
  await page.viewport(1024, 768);
  const mounted = await mount({ mode: "floating" });
  expect(dialog(mounted).matches(":popover-open")).toBe(false);
  expect(getComputedStyle(dialog(mounted)).display).toBe("none");
  launcher(mounted).focus();
  launcher(mounted).click();
  await settle(mounted.chat);
  expect(mounted.chat.open).toBe(true);
  expect(dialog(mounted).matches(":popover-open")).toBe(true);
  expect(launcher(mounted).getAttribute("aria-expanded")).toBe("true");
  expect(mounted.root.activeElement).toBe(mounted.input);
  press(mounted.input, "Escape");
  await settle(mounted.chat);
  expect(mounted.chat.open).toBe(false);
  expect(mounted.root.activeElement).toBe(launcher(mounted));
});

it("never moves the focus when it opens by itself", async () => {
  await page.viewport(1024, 768);
  const field = document.createElement("input");
  document.body.append(field);
  field.focus();
  const mounted = await mount({ mode: "floating", open: true });
  await settle(mounted.chat);
  expect(dialog(mounted).matches(":popover-open")).toBe(true);
  expect(document.activeElement).toBe(field);
});

it("asks before it opens and tells after", async () => {
  await page.viewport(1024, 768);
  const mounted = await mount({ mode: "floating" });
  const seen: string[] = [];
  for (const name of ["show", "after-show", "hide", "after-hide"] as const)
    mounted.chat.addEventListener(`chanl-${name}`, () => seen.push(name));
  await mounted.chat.show();
  await wait(300);
  await mounted.chat.hide();
  await wait(300);
  expect(seen).toEqual(["show", "after-show", "hide", "after-hide"]);
  mounted.chat.addEventListener("chanl-show", (event) => event.preventDefault());
  await mounted.chat.show();
  expect(mounted.chat.open).toBe(false);
});

it("leaves the page where it is, even on a transformed body", async () => {
  await page.viewport(1024, 768);
  const tall = document.createElement("div");
  tall.setAttribute("style", "height: 3000px");
  document.body.append(tall);
  document.body.style.transform = "translateX(0)";
  scrollTo(0, 700);
  const mounted = await mount({ mode: "floating" });
  await mounted.chat.show();
  await settle(mounted.chat);
  expect(scrollY).toBe(700);
  const box = dialog(mounted).getBoundingClientRect();
  expect(Math.round(innerHeight - box.bottom)).toBe(92);
  document.body.style.transform = "";
  scrollTo(0, 0);
});

it("fills a small viewport, modal", async () => {
  await page.viewport(390, 700);
  const mounted = await mount({ mode: "floating" });
  await mounted.chat.show();
  await wait(300);
  const box = dialog(mounted).getBoundingClientRect();
  expect(dialog(mounted).matches(":modal")).toBe(true);
  expect([box.left, box.top, box.width, box.height].map(Math.round)).toEqual([0, 0, 390, 700]);
  await page.viewport(1024, 768);
  await vi.waitFor(() => expect(dialog(mounted).matches(":popover-open")).toBe(true));
  await wait(300);
  expect(document.documentElement.style.overflow).toBe("");
  await mounted.chat.hide();
  expect(mounted.chat.open).toBe(false);
});

it("stays on screen when it is moved in the document", async () => {
  await page.viewport(1024, 768);
  const mounted = await mount({ mode: "floating", open: true });
  const place = document.createElement("div");
  document.body.append(place);
  place.append(mounted.chat);
  await settle(mounted.chat);
  expect(dialog(mounted).matches(":popover-open")).toBe(true);
  expect(launcher(mounted).getBoundingClientRect().width).toBe(56);
});

it("counts answers that nobody saw", async () => {
  await page.viewport(1024, 768);
  const mounted = await mount({ mode: "floating" });
  void mounted.chat.send("Hi");
  mounted.transport.last.start().text("Hello").done();
  await settle(mounted.chat);
  expect(launcher(mounted).getAttribute("aria-label")).toBe("Open chat, 1 unread message");
  await mounted.chat.show();
  await settle(mounted.chat);
  expect(mounted.root.querySelector(".bdg")).toBeNull();
});
