/** The page that the gateway serves: the widget on it, what to copy, and, with `?state=`, the gallery. */
import "../widget/index.ts";

import { showGallery } from "./gallery.ts";

const query = new URLSearchParams(location.search);
const theme = query.get("theme");
if (theme === "light" || theme === "dark") document.documentElement.dataset["theme"] = theme;

const state = query.get("state");
if (state !== null) showGallery(state, query);
else {
  fillSnippets();
  keepLauncherClear();
}

/** The launcher floats over whatever is below it, so it waits until the inline chat's composer is out of view. */
function keepLauncherClear(): void {
  const floating = document.querySelector<HTMLElement>("#floating");
  const inline = document.querySelector("chanl-chat[mode='inline']");
  if (!floating || !inline) return;
  new IntersectionObserver(
    ([entry]) => {
      if (entry && !floating.hasAttribute("open")) floating.setAttribute("launcher", entry.isIntersecting ? "none" : "pill");
    },
    { threshold: 0.15 },
  ).observe(inline);
  document
    .getElementById("open-floating")
    ?.addEventListener("click", () => document.querySelector<HTMLElement & { show(): void }>("#floating")?.show());
}

function fillSnippets(): void {
  const { origin } = location;
  put(
    "snippet",
    `<script type="module" src="${origin}/chanl-chat.js"></script>\n<chanl-chat endpoint="${origin}/api/chat" agent-id="docs" mode="floating"></chanl-chat>`,
  );
  put(
    "curl",
    `curl -N ${origin}/api/chat/stream -H 'content-type: application/json' \\\n  -d '{"agentId":"docs","messages":[{"role":"user","content":"How do I embed the widget?"}]}'`,
  );
  for (const button of document.querySelectorAll<HTMLButtonElement>("[data-copy]")) {
    button.addEventListener("click", () => void copy(button));
  }
}

function put(id: string, text: string): void {
  const element = document.getElementById(id);
  if (element) element.textContent = text;
}

async function copy(button: HTMLButtonElement): Promise<void> {
  const text = document.getElementById(button.dataset["copy"] ?? "")?.textContent ?? "";
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Select and copy";
  }
  setTimeout(() => (button.textContent = "Copy"), 2_000);
}
