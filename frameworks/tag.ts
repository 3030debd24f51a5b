/** What `<chanl-chat>` takes where a framework writes it as a tag: its attributes and properties, and its events. */
import type { LitElement } from "lit";

import type { ChanlChatAttributes } from "../widget/attributes.ts";
import type { ChanlChat } from "../widget/chanl-chat.ts";
import type { ChanlChatEventMap } from "../widget/events.ts";

type Properties = Omit<ChanlChatAttributes, keyof LitElement> & Pick<ChanlChat, "session">;

/** `agentId` is the attribute `agent-id`. */
type Attribute<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `-${Lowercase<First>}`}${Attribute<Rest>}`
  : "";

/** Properties under their own names and, where a framework sets attributes, under the attribute's. */
export type TagProps = Partial<Properties> & { [Name in Extract<keyof Properties, string> as Attribute<Name>]?: Properties[Name] | string };

/** Listeners under the names a framework gives them, such as `onchanl-ready` with the prefix `on`. */
export type TagListeners<Prefix extends string> = {
  [Type in keyof ChanlChatEventMap as `${Prefix}${Type}`]?: (event: ChanlChatEventMap[Type]) => void;
};
