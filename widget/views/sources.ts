/** The sources of an answer: numbered, as safe links where they have an address. */
import { css, html, nothing, type TemplateResult } from "lit";

import { safeLink } from "../../shared/render/url-policy.ts";
import type { SourcePart } from "../../shared/session/message.ts";
import type { Translate } from "../strings.ts";

export interface SourcesView {
  t: Translate;
  sources: readonly SourcePart[];
  base: string;
}

export function sourcesView({ t, sources, base }: SourcesView): TemplateResult | typeof nothing {
  if (sources.length === 0) return nothing;
  return html`
    <div class="src" part="sources">
      <p class="lb">${t("sources.title")}</p>
      <ol role="list">
        ${sources.map((source, at) => html`<li>${sourceView(t, source, at + 1, base)}</li>`)}
      </ol>
    </div>
  `;
}

function sourceView(t: Translate, source: SourcePart, n: number, base: string): TemplateResult {
  // A title without a link is better than a link that runs something.
  const link = source.url ? safeLink(source.url, base) : null;
  const title = source.title || link?.host || source.id;
  const label = t("cite.label", { n, title });
  const host = link?.foreign ? html`<bdi class="host" dir="ltr">${link.host}</bdi>` : nothing;
  const content = html`<span class="vh">${label}</span
    ><span class="in" aria-hidden="true"><span class="n">${n}</span><bdi class="ti">${title}</bdi>${host}</span>`;
  if (!link?.host) return html`<span class="chip">${content}</span>`;
  return html`<a class="chip" href=${link.href} target="_blank" rel="noopener noreferrer nofollow ugc" title=${source.snippet ?? title}
    >${content}</a
  >`;
}

export const sourcesStyles = css`
  .src .lb {
    margin: 0 0 6px;
    font-size: 0.8em;
    font-weight: 600;
    color: var(--_muted);
  }
  .src ol {
    display: flex;
    flex-wrap: wrap;
    gap: 6px;
    margin: 0;
    padding: 0;
    list-style: none;
  }
  .src li {
    min-width: 0;
    max-width: 100%;
  }
  .src .chip {
    display: inline-flex;
    align-items: center;
    max-width: 100%;
    min-height: 32px;
    padding-inline: 5px 10px;
    border: 1px solid var(--_border);
    border-radius: 9px;
    background: var(--_bg);
    color: var(--_text-2);
    font-size: 0.8667em;
    line-height: 1.3;
    text-decoration: none;
    transition:
      background var(--_dur) var(--_ease),
      border-color var(--_dur) var(--_ease);
  }
  .src a.chip:hover {
    background: var(--_surface);
    border-color: var(--_border-strong);
    color: var(--_text);
  }
  .src .in {
    display: inline-flex;
    align-items: center;
    gap: 7px;
    min-width: 0;
  }
  .src .n {
    display: grid;
    place-items: center;
    flex: none;
    min-width: 19px;
    height: 19px;
    padding: 0 4px;
    border-radius: 5px;
    background: var(--_raised);
    color: var(--_text-2);
    font-size: 0.86em;
    font-variant-numeric: tabular-nums;
  }
  .src .ti {
    min-width: 0;
    white-space: nowrap;
    overflow: hidden;
    text-overflow: ellipsis;
  }
  .src .host {
    color: var(--_muted);
    font-size: 0.92em;
    white-space: nowrap;
  }
`;
