/** The styles of the element: tokens, the frame, the shared controls, each view's own, and last the visitor's preferences. */
import type { CSSResultGroup } from "lit";

import { controls } from "./theme/controls.styles.ts";
import { frame } from "./theme/frame.styles.ts";
import { preferences } from "./theme/preferences.styles.ts";
import { prose } from "./theme/prose.styles.ts";
import { tokens } from "./theme/tokens.styles.ts";
import { bannerStyles } from "./views/banner.ts";
import { composerStyles } from "./views/composer.ts";
import { emptyStateStyles } from "./views/empty-state.ts";
import { headerStyles } from "./views/header.ts";
import { launcherStyles } from "./views/launcher.ts";
import { logStyles } from "./views/log.ts";
import { messageStyles } from "./views/message.ts";
import { reasoningStyles } from "./views/reasoning.ts";
import { sourcesStyles } from "./views/sources.ts";
import { toolCardStyles } from "./views/tool-card.ts";

export const styles: CSSResultGroup = [
  tokens,
  frame,
  controls,
  headerStyles,
  logStyles,
  messageStyles,
  prose,
  reasoningStyles,
  toolCardStyles,
  sourcesStyles,
  bannerStyles,
  emptyStateStyles,
  composerStyles,
  launcherStyles,
  preferences,
];
