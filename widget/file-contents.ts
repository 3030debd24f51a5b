/** What is in a file a person chose, as a model can read it. Nothing leaves the page here. */

const LONGEST_EDGE = 1_280;
const LEAST_QUALITY = 0.5;

/** Text in UTF-8, or `null` for anything else: a table of types would always miss one. */
export async function readText(file: Blob): Promise<string | null> {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
    return text.includes("\0") ? null : text;
  } catch {
    return null;
  }
}

/**
 * A `data:` address of at most `maxChars`, or `null` for what is no picture to this browser. Drawn anew, so that it is no larger than
 * a model looks at, and so that what a camera wrote into the file, such as the place, is not sent.
 */
export async function readPicture(file: Blob, maxChars: number): Promise<string | null> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    return null;
  }
  let scale = Math.min(1, LONGEST_EDGE / Math.max(bitmap.width, bitmap.height));
  // What is drawn with few colours, as a screenshot, stays as sharp as it is where that fits.
  if (file.type === "image/png") {
    const image = await draw(bitmap, scale, { type: "image/png" });
    if (image.length <= maxChars) return image;
  }
  for (let quality = 0.85; ; quality = Math.max(LEAST_QUALITY, quality - 0.15)) {
    const image = await draw(bitmap, scale, { type: "image/jpeg", quality });
    if (image.length <= maxChars) return image;
    if (quality <= LEAST_QUALITY) scale *= 0.7;
  }
}

async function draw(bitmap: ImageBitmap, scale: number, options: ImageEncodeOptions): Promise<string> {
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(side * scale)));
  const canvas = new OffscreenCanvas(width!, height!);
  const context = canvas.getContext("2d")!;
  if (options.type === "image/jpeg") {
    // JPEG knows no transparency, and would make it black.
    context.fillStyle = "#fff";
    context.fillRect(0, 0, width!, height!);
  }
  context.drawImage(bitmap, 0, 0, width!, height!);
  return dataUrl(await canvas.convertToBlob(options));
}

function dataUrl(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result as string));
    reader.addEventListener("error", () => reject(reader.error ?? new Error("The picture could not be read.")));
    reader.readAsDataURL(blob);
  });
}
