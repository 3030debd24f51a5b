/** A picture of the visible part of a page, small enough to be sent, and cut to what the person chose. */
import { lookAt, PageError, type PageTarget } from "./access.ts";

export interface Picture {
  /** As a `data:` address. */
  image: string;
  width: number;
  height: number;
}

/** Part of a picture, in its own pixels. */
export interface Crop {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** A request may hold 256 KB and a tool's result 64 KB, with the picture as base64. */
export const MAX_PICTURE_CHARS = 110_000;
const MAX_RESULT_CHARS = 60_000;
const LONGEST_EDGE = 1_280;

/** The whole visible part, as it is on screen. The tab must be in front: Chrome pictures nothing else. */
export async function capture(target: PageTarget): Promise<ImageBitmap> {
  const tab = await chrome.tabs.get(target.tabId);
  if (!tab.active) throw new PageError("Only the tab in front can be pictured.");
  let dataUrl: string;
  try {
    dataUrl = await chrome.tabs.captureVisibleTab(tab.windowId, { format: "png" });
  } catch {
    throw new PageError("Chrome does not let the extension picture this page. Use the toolbar button on it first.");
  }
  const after = await lookAt(target.tabId);
  // What was pictured must be what is told: the page may have changed in between.
  if (after.kind !== "readable" || after.target.documentId !== target.documentId)
    throw new PageError("The page changed while it was pictured.");
  // Not by `fetch`: the content policy lets the panel connect to servers only.
  const bytes = Uint8Array.from(atob(dataUrl.slice(dataUrl.indexOf(",") + 1)), (char) => char.charCodeAt(0));
  return createImageBitmap(new Blob([bytes], { type: "image/png" }));
}

/** Cut, scaled and compressed until it fits. */
export async function encode(
  bitmap: ImageBitmap,
  crop: Crop = { x: 0, y: 0, width: bitmap.width, height: bitmap.height },
  maxChars = MAX_PICTURE_CHARS,
): Promise<Picture> {
  let scale = Math.min(1, LONGEST_EDGE / Math.max(crop.width, crop.height));
  for (let quality = 0.85; ; quality = Math.max(0.5, quality - 0.15)) {
    const width = Math.max(1, Math.round(crop.width * scale));
    const height = Math.max(1, Math.round(crop.height * scale));
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d");
    if (!context) throw new PageError("The picture could not be made.");
    context.drawImage(bitmap, crop.x, crop.y, crop.width, crop.height, 0, 0, width, height);
    const image = await toDataUrl(await canvas.convertToBlob({ type: "image/jpeg", quality }));
    if (image.length <= maxChars) return { image, width, height };
    if (quality <= 0.5) scale *= 0.7;
  }
}

/** For the agent's tool: no larger than a tool's result may be. */
export async function captureForModel(target: PageTarget): Promise<Picture> {
  return encode(await capture(target), undefined, MAX_RESULT_CHARS);
}

function toDataUrl(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result as string));
    reader.addEventListener("error", () => reject(new PageError("The picture could not be made.")));
    reader.readAsDataURL(blob);
  });
}
