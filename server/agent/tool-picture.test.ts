import { expect, test } from "vitest";

import { splitPicture } from "./tool-picture.ts";

test("a picture in a tool's result is taken out of the text", () => {
  expect(splitPicture(JSON.stringify({ image: "data:image/jpeg;base64,AAAA", width: 2 }))).toEqual({
    text: '{"width":2,"image":"attached"}',
    image: { mediaType: "image/jpeg", data: "AAAA" },
  });
});

test.each([
  '{"image":"data:image/svg+xml;base64,AAAA"}',
  '{"image":"data:image/png;base64,<script>"}',
  'see "data:image/png',
  '{"note":1}',
])("%s stays text", (text) => {
  expect(splitPicture(text)).toEqual({ text, image: null });
});
