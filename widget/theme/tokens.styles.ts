/** The design tokens: each `--chanl-*` an owner may set, with its light and dark default, behind a private name. */
import { css } from "lit";

export const tokens = css`
  :host {
    --_accent: var(--chanl-accent, light-dark(#2b59d9, #8faeff));
    --_on-accent: var(--chanl-on-accent, light-dark(#ffffff, #0c1430));
    --_accent-text: var(--chanl-accent-text, light-dark(#2450c8, #9db8ff));
    --_bg: var(--chanl-bg, light-dark(#ffffff, #121418));
    --_surface: var(--chanl-surface, light-dark(#f6f7f9, #1a1d23));
    --_raised: var(--chanl-raised, light-dark(#eceef2, #252932));
    --_border: var(--chanl-border, light-dark(#e2e5ea, #2c313a));
    --_border-strong: var(--chanl-border-strong, light-dark(#8a919e, #6e7685));
    --_text: var(--chanl-text, light-dark(#16191f, #eceef2));
    --_text-2: var(--chanl-text-secondary, light-dark(#464d5b, #bcc2cd));
    --_muted: var(--chanl-text-muted, light-dark(#5f6675, #969eac));
    --_user: var(--chanl-user-bg, light-dark(#e9effd, #22304f));
    --_user-text: var(--chanl-user-text, light-dark(#16191f, #eef2fc));
    --_success: var(--chanl-success, light-dark(#17724a, #57c793));
    --_warning: var(--chanl-warning, light-dark(#855300, #e5b454));
    --_warning-soft: light-dark(#fdf3df, #2b2415);
    --_danger: var(--chanl-danger, light-dark(#b92537, #ff8e94));
    --_danger-soft: light-dark(#fdeced, #331c20);
    --_code-bg: var(--chanl-code-bg, light-dark(#f6f7f9, #181b21));
    --_focus: var(--chanl-focus, var(--_accent));
    --_font: var(--chanl-font, ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif);
    --_mono: var(--chanl-font-mono, ui-monospace, "SF Mono", SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace);
    --_fs: var(--chanl-font-size, max(15px, 0.9375em));
    --_r: var(--chanl-radius, 12px);
    --_dur: var(--chanl-duration, 180ms);
    --_ease: var(--chanl-ease, cubic-bezier(0.2, 0, 0, 1));
    --_shadow: var(
      --chanl-shadow,
      0 0 0 1px light-dark(rgb(22 25 31 / 0.07), rgb(255 255 255 / 0.08)),
      0 10px 24px -8px light-dark(rgb(22 25 31 / 0.16), rgb(0 0 0 / 0.6)),
      0 28px 64px -16px light-dark(rgb(22 25 31 / 0.22), rgb(0 0 0 / 0.7))
    );
    --_content-width: var(--chanl-content-width, 720px);
    --_launcher-size: var(--chanl-launcher-size, 56px);
    --_offset-x: var(--chanl-offset-x, 20px);
    --_offset-y: var(--chanl-offset-y, 20px);
  }
  :host {
    --_density: var(--chanl-density, 1);
  }
  :host([density="compact"]) {
    --_density: var(--chanl-density, 0.85);
  }
  :host([density="spacious"]) {
    --_density: var(--chanl-density, 1.15);
  }
  :host([theme="light"]) {
    color-scheme: light;
  }
  :host([theme="dark"]) {
    color-scheme: dark;
  }
  :host([theme="system"]) {
    color-scheme: light dark;
  }
  @media (prefers-contrast: more) {
    :host {
      --_border: var(--chanl-border, light-dark(#6b7280, #9aa3b2));
      --_muted: var(--chanl-text-muted, light-dark(#3d4453, #c8ced8));
      --_text-2: var(--chanl-text-secondary, light-dark(#2b313c, #dde1e8));
      --_border-strong: var(--chanl-border-strong, light-dark(#464d5b, #c8ced8));
    }
  }
`;
