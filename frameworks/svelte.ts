/** `<chanl-chat>` in Svelte 5: `import "chanl-chat/svelte"` in a file of types. */
import type { HTMLAttributes } from "svelte/elements";

import type { ChanlChat } from "../widget/chanl-chat.ts";
import type { TagListeners, TagProps } from "./tag.ts";

export type SvelteTag = Omit<HTMLAttributes<ChanlChat>, keyof TagProps> & TagProps & TagListeners<"on">;

declare module "svelte/elements" {
  interface SvelteHTMLElements {
    "chanl-chat": SvelteTag;
  }
}
