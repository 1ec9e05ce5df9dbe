import { createHash } from 'node:crypto';
import type { Report } from '../model/report.ts';
import { lacks } from './lacks.ts';
import { html, Markup } from './markup.ts';
import { matrix } from './matrix.ts';
import { root } from './root.ts';
import { sizes } from './sizes.ts';
import { style } from './style.ts';
import { top } from './top.ts';

/**
 * A report as one page of HTML, which asks for nothing else: its policy forbids all requests, all scripts, and all
 * styles but its own.
 */
export function page(report: Report): string {
  const parts = [
    html`<main id="main">`,
    top(report),
    ...(report.roots.length === 0 ? [] : sections(report)),
    html`</main>`,
    foot(report),
  ];
  return `${head(report).text}${parts.map(({ text }) => text).join('\n')}\n</body>\n</html>\n`;
}

function sections(report: Report): readonly Markup[] {
  return [
    lacks(report),
    matrix(report),
    sizes(report),
    html`<h2 id="roots">Roots</h2>`,
    ...report.roots.map((one, index) => root(one, index, isSmall(report))),
    moreRoots(report),
  ];
}

function head({ host }: Report): Markup {
  const hash = createHash('sha256').update(style).digest('base64');
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>berth report: ${host}</title>
<style>${new Markup(style)}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the report</a>
`;
}

/** The most images of a single root that are all open. */
const FEW = 12;

/** Whether the whole page can be seen open. */
function isSmall({ roots: [only, ...more] }: Report): boolean {
  return more.length === 0 && (only?.images.shown.length ?? 0) <= FEW;
}

function moreRoots({ moreRoots: more }: Report): Markup {
  if (more === 0) return html``;
  return html`<p>… and ${more} more, which are left out of this page: <code>berth status</code> lists all.</p>`;
}

function foot({ version, engines }: Report): Markup {
  const said = engines.map(({ name, version: its, description }) => {
    const which = its === '' ? name : `${name} ${its}`;
    return html`<li>${description.startsWith(which) ? '' : `${which}: `}${description}</li>`;
  });
  return html`<footer><p class="quiet">Made by berth ${version} from its records, the trees of roots, and these engines:</p>
<ul class="quiet">${said}</ul></footer>`;
}
