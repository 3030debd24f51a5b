/** A picture of the page, cut by the person before it goes along. What is outside the frame never leaves the browser. */
import { html, render } from "lit";

import type { ContextPart } from "../../shared/session/message.ts";
import { t } from "../i18n.ts";
import type { PageTarget } from "../page/access.ts";
import { capture, encode, type Crop } from "../page/screenshot.ts";

/** Arrow keys move the edges by this part of the picture. */
const STEP = 0.05;
const SMALLEST = 0.05;

/** Settles with the picture, or `null` when it was cancelled. */
export async function cropDialog(host: HTMLElement, target: PageTarget): Promise<ContextPart | null> {
  const bitmap = await capture(target);
  return new Promise((resolve) => {
    /** In parts of the picture: left, top, right, bottom. */
    const frame = { left: 0, top: 0, right: 1, bottom: 1 };
    type Edge = keyof typeof frame;
    const end = (part: ContextPart | null): void => {
      render(null, host);
      bitmap.close();
      resolve(part);
    };
    const take = async (): Promise<void> => {
      const { width, height } = bitmap;
      const crop: Crop = {
        x: Math.round(frame.left * width),
        y: Math.round(frame.top * height),
        width: Math.max(1, Math.round((frame.right - frame.left) * width)),
        height: Math.max(1, Math.round((frame.bottom - frame.top) * height)),
      };
      const picture = await encode(bitmap, crop);
      end({
        type: "context",
        id: crypto.randomUUID(),
        kind: "picture",
        title: target.title,
        url: target.url,
        text: t("pictureText", picture.width, picture.height),
        image: picture.image,
      });
    };
    const set = (edge: Edge, value: number): void => {
      const low = edge === "right" ? frame.left + SMALLEST : edge === "bottom" ? frame.top + SMALLEST : 0;
      const high = edge === "left" ? frame.right - SMALLEST : edge === "top" ? frame.bottom - SMALLEST : 1;
      frame[edge] = Math.min(high, Math.max(low, value));
      draw();
    };
    const drag = (event: PointerEvent): void => {
      const stage = event.currentTarget as HTMLElement;
      const box = stage.getBoundingClientRect();
      const at = (move: PointerEvent): { x: number; y: number } => ({
        x: Math.min(1, Math.max(0, (move.clientX - box.left) / box.width)),
        y: Math.min(1, Math.max(0, (move.clientY - box.top) / box.height)),
      });
      const from = at(event);
      stage.setPointerCapture(event.pointerId);
      stage.onpointermove = (move) => {
        const to = at(move);
        if (Math.abs(to.x - from.x) < SMALLEST || Math.abs(to.y - from.y) < SMALLEST) return;
        Object.assign(frame, {
          left: Math.min(from.x, to.x),
          right: Math.max(from.x, to.x),
          top: Math.min(from.y, to.y),
          bottom: Math.max(from.y, to.y),
        });
        draw();
      };
      stage.onpointerup = () => (stage.onpointermove = null);
    };
    const edge = (name: Edge, label: string) =>
      html`<label
        >${label}<input
          type="range"
          min="0"
          max="1"
          step=${STEP}
          .value=${String(frame[name])}
          @input=${(event: Event) => set(name, Number((event.target as HTMLInputElement).value))}
      /></label>`;
    const draw = (): void => {
      render(
        html`<dialog class="crop" aria-label=${t("cropTitle")} @cancel=${() => end(null)}>
          <h2>${t("cropTitle")}</h2>
          <p>${t("cropHint")}</p>
          <div class="stage" @pointerdown=${drag}>
            <canvas width=${bitmap.width} height=${bitmap.height}></canvas>
            <div class="frame"></div>
          </div>
          <div class="edges">
            ${edge("left", t("edgeLeft"))} ${edge("right", t("edgeRight"))} ${edge("top", t("edgeTop"))} ${edge("bottom", t("edgeBottom"))}
          </div>
          <div class="row">
            <button type="button" @click=${() => end(null)}>${t("cancel")}</button>
            <button type="button" class="primary" @click=${() => void take()}>${t("usePicture")}</button>
          </div>
        </dialog>`,
        host,
      );
      const shown = host.querySelector<HTMLElement>(".frame");
      // Set on the rule object: the policy allows no style attributes in templates.
      if (shown) {
        shown.style.insetInlineStart = "auto";
        shown.style.left = `${frame.left * 100}%`;
        shown.style.top = `${frame.top * 100}%`;
        shown.style.width = `${(frame.right - frame.left) * 100}%`;
        shown.style.height = `${(frame.bottom - frame.top) * 100}%`;
      }
    };
    draw();
    host.querySelector("canvas")?.getContext("2d")?.drawImage(bitmap, 0, 0);
    host.querySelector("dialog")?.showModal();
  });
}
