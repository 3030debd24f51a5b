/** Registers the element. Loading it twice, or two versions on one page, leaves the first one in place. */
import { ChanlChat } from "./chanl-chat.ts";

if (!customElements.get("chanl-chat")) customElements.define("chanl-chat", ChanlChat);
