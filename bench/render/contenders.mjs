/**
 * Runs in the page. A contender is made with its container; `push` gives it the tokens of a frame, and `frame` is called once per
 * animation frame for those that do not ask for their own. Each loads its package itself, so that no page holds another's.
 */
import { TokenRenderer } from "../../shared/render/token-renderer.ts";

/** Characters per animation frame. */
export const FRAME = 256;

/** What all need that draw once per frame: the tokens since the last one. */
function perFrame(draw) {
  let fresh = "";
  return {
    push: (tokens) => {
      for (const token of tokens) fresh += token;
    },
    frame: () => {
      if (fresh === "") return;
      const text = fresh;
      fresh = "";
      draw(text);
    },
  };
}

/** The designs that make everything anew from the text so far. */
function fromWholeText(draw) {
  let whole = "";
  return perFrame((text) => draw((whole += text)));
}

export const contenders = {
  "chanl-chat": (container) => {
    const renderer = new TokenRenderer(container);
    return {
      push: (tokens) => {
        for (const token of tokens) renderer.append(token);
      },
      end: () => renderer.end(),
    };
  },

  /** No contender but a limit: blocks that are ready, appended when their text is complete. Nobody who shows these nodes is faster. */
  floor: (container, text) => {
    const ready = document.createElement("div");
    const renderer = new TokenRenderer(ready);
    const due = [];
    // Where each block ends is found by drawing the text once, before anything is measured.
    let last = null;
    for (let at = 0; at < text.length; at += FRAME) {
      renderer.append(text.slice(at, at + FRAME));
      renderer.flush();
      // The one that is open now was not yet, or not the last one, in the frame before.
      for (; last !== ready.lastElementChild?.lastElementChild; last = next(ready, last)) if (last) due.push(at);
    }
    renderer.end();
    renderer.flush();
    const blocks = [...ready.querySelectorAll(":scope > .blocks > *")];
    while (due.length < blocks.length) due.push(text.length - 1);
    for (const block of blocks) block.remove();
    let at = 0;
    let shown = 0;
    let section;
    return perFrame((tokens) => {
      at += tokens.length;
      for (; shown < blocks.length && due[shown] < at; shown++) {
        if (shown % 32 === 0) container.append((section = document.createElement("div")));
        section.append(blocks[shown]);
      }
    });
  },

  "naive textContent": (container) => perFrame((text) => (container.textContent += text)),

  "streaming-markdown": async (container) => {
    const smd = await import("streaming-markdown");
    const parser = smd.parser(smd.default_renderer(container));
    return { ...perFrame((text) => smd.parser_write(parser, text)), end: () => smd.parser_end(parser) };
  },

  streamdown: async (container) => {
    const [{ createElement }, { createRoot }, { Streamdown }] = await Promise.all([
      import("react"),
      import("react-dom/client"),
      import("streamdown"),
    ]);
    const root = createRoot(container);
    return fromWholeText((whole) => root.render(createElement(Streamdown, null, whole)));
  },

  "marked + DOMPurify": async (container) => {
    const [{ marked }, { default: purify }] = await Promise.all([import("marked"), import("dompurify")]);
    return fromWholeText((whole) => (container.innerHTML = purify.sanitize(marked.parse(whole))));
  },

  "markdown-it": async (container) => {
    const { default: MarkdownIt } = await import("markdown-it");
    const parser = new MarkdownIt();
    return fromWholeText((whole) => (container.innerHTML = parser.render(whole)));
  },

  "deep-chat": (container) => deepChat(container, true),
  "deep-chat, partialRender": (container) => deepChat(container, { partialRender: true }),
};

/** The block behind one of the renderer's. */
function next(root, block) {
  if (!block) return root.firstElementChild?.firstElementChild;
  return block.nextElementSibling ?? block.parentElement.nextElementSibling?.firstElementChild;
}

/** It has its own scroller and its own message; text reaches it the way its users' handlers give it. */
async function deepChat(container, stream) {
  await import("deep-chat");
  const element = document.createElement("deep-chat");
  Object.assign(element.style, { width: "800px", height: "600px", display: "block" });
  const signals = new Promise((resolve) => {
    element.connect = {
      stream,
      handler: (_, given) => {
        given.onOpen();
        resolve(given);
      },
    };
  });
  container.append(element);
  await new Promise((resolve) => setTimeout(resolve, 200));
  element.submitUserMessage({ text: "go" });
  const { onResponse } = await signals;
  return { ...perFrame((text) => void onResponse({ text })), textOf: () => element.shadowRoot.textContent };
}
