/** The styles of the element: tokens, the frame, the shared controls, each view's own, and last the visitor's preferences. Parts that come later bring theirs. */
import type { CSSResultGroup } from "lit";

import { controls } from "./theme/controls.styles.ts";
import { frame } from "./theme/frame.styles.ts";
import { preferences } from "./theme/preferences.styles.ts";
import { tokens } from "./theme/tokens.styles.ts";
import { attachmentsStyles } from "./views/attachments.ts";
import { bannerStyles } from "./views/banner.ts";
import { composerStyles } from "./views/composer.ts";
import { emptyStateStyles } from "./views/empty-state.ts";
import { headerStyles } from "./views/header.ts";
import { launcherStyles } from "./views/launcher.ts";
import { logStyles } from "./views/log.ts";

export const styles: CSSResultGroup = [
  tokens,
  frame,
  controls,
  headerStyles,
  logStyles,
  bannerStyles,
  emptyStateStyles,
  composerStyles,
  attachmentsStyles,
  launcherStyles,
  preferences,
];
