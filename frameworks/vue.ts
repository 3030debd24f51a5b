/** `<chanl-chat>` in Vue templates: `import "chanl-chat/vue"` in a file of types. The compiler has to be told that it is an element: `isCustomElement`. */
import type { HTMLAttributes } from "vue";

import type { ChanlChatEventMap } from "../widget/events.ts";
import type { TagProps } from "./tag.ts";

/** `@chanl-ready` is the property `onChanlReady`. */
type Listener<Type extends string> = Type extends `${infer First}-${infer Rest}`
  ? `${Capitalize<First>}${Listener<Rest>}`
  : Capitalize<Type>;

type Listeners = {
  [Type in keyof ChanlChatEventMap as `on${Listener<Type>}`]?: (event: ChanlChatEventMap[Type]) => void;
};

export type VueTag = Omit<HTMLAttributes, keyof TagProps> & TagProps & Listeners;

declare module "vue" {
  interface GlobalComponents {
    "chanl-chat": new () => { $props: VueTag };
  }
}
