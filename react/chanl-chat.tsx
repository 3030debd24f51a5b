/**
 * `<ChanlChat>`: the web component with typed props, in React 18 and 19. The element's code is loaded when the first one is
 * mounted, so a page that is rendered on a server, or that only uses the hook, does not pay for it.
 */
import { createElement, useEffect, useLayoutEffect, useRef, useState, type CSSProperties, type ReactElement, type ReactNode } from "react";
import type { LitElement } from "lit";

import type { ChanlChatAttributes } from "../widget/attributes.ts";
import type { ChanlChat as ChanlChatElement } from "../widget/chanl-chat.ts";
import type { ChanlChatEventMap } from "../widget/events.ts";

/** Everything an owner sets on the element: a list of names would fall behind. */
type ElementProps = Omit<ChanlChatAttributes, keyof LitElement> & Pick<ChanlChatElement, "session">;

export interface ChanlChatProps extends Partial<ElementProps> {
  /** The element's events by their names, such as `{"chanl-message": (event) => …}`. */
  on?: { [Type in keyof ChanlChatEventMap]?: (event: ChanlChatEventMap[Type]) => void };
  className?: string;
  style?: CSSProperties;
  /** Content for the element's slots. */
  children?: ReactNode;
}

// On a server there is no layout; React warns about the effect that would wait for it.
const useBrowserLayoutEffect = typeof document === "undefined" ? useEffect : useLayoutEffect;

const isDefined = (): boolean => typeof customElements !== "undefined" && customElements.get("chanl-chat") !== undefined;

export function ChanlChat({ on, className, style, children, ...props }: ChanlChatProps): ReactElement {
  const element = useRef<ChanlChatElement>(null);
  const handlers = useRef(on);
  // A property set before the element is defined would shadow its accessor for good.
  const [defined, setDefined] = useState(isDefined);
  useEffect(() => {
    if (!defined) void import("../widget/define.ts").then(() => setDefined(true));
  }, [defined]);
  useEffect(() => {
    handlers.current = on;
  });

  const names = Object.keys(on ?? {})
    .toSorted()
    .join(" ");
  // Before the properties: the element may say that it is ready as soon as it has them.
  useBrowserLayoutEffect(() => {
    const target = element.current;
    if (!target || names === "") return undefined;
    const types = names.split(" ");
    const listener = (event: Event): void =>
      (handlers.current?.[event.type as keyof ChanlChatEventMap] as ((event: Event) => void) | undefined)?.(event);
    for (const type of types) target.addEventListener(type, listener);
    return () => {
      for (const type of types) target.removeEventListener(type, listener);
    };
  }, [names]);

  useBrowserLayoutEffect(() => {
    const target = element.current;
    if (!target || !defined) return;
    for (const [name, value] of Object.entries(props)) {
      if (value !== undefined) Object.assign(target, { [name]: value });
    }
  });

  // React 18 knows no properties of custom elements and passes `class` as it stands.
  // oxlint-disable-next-line react/refs -- a ref that is handed on is not read
  return createElement("chanl-chat", { ref: element, class: className, style }, children);
}
