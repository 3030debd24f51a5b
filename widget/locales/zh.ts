import { ENGLISH, type Strings } from "../strings.ts";
export const phrases: Strings = ENGLISH;
