/** `<chanl-chat>` in JSX, for React 19 and its kin: `import "chanl-chat/jsx"` in a file of types. React 18 has `ChanlChat` of `chanl-chat/react`. */
import type { DetailedHTMLProps, HTMLAttributes } from "react";

import type { ChanlChat } from "../widget/chanl-chat.ts";
import type { TagListeners, TagProps } from "./tag.ts";

type OfReact = DetailedHTMLProps<HTMLAttributes<ChanlChat>, ChanlChat>;
export type JsxTag = Omit<OfReact, keyof TagProps> & TagProps & TagListeners<"on">;

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "chanl-chat": JsxTag;
    }
  }
}
