/** `chanl-chat`: registers `<chanl-chat>`. For the class without the registration, import `chanl-chat/element`. */
import "./define.ts";

export * from "./chanl-chat.ts";
