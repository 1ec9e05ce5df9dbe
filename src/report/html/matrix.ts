import type { MatrixCell, MatrixRow, Report, RootReport } from '../model/report.ts';
import { order, states } from '../model/states.ts';
import { html, type Markup } from './markup.ts';
import { leftOut, readyMark, sectionOf, stateMark } from './words.ts';

/** With more columns, paper has room for symbols alone. */
const MANY = 5;

/** The table of roots and images. */
export function matrix({ matrix: { columns, rows }, roots, moreRoots }: Report): Markup {
  if (rows.shown.length === 0)
    return html`<h2 id="matrix">Roots and images</h2><p>No root names an image.</p>`;
  const used = new Set(
    rows.shown.flatMap(({ cells }) => cells.flatMap((cell) => cell?.state ?? [])),
  );
  const engines = new Set(rows.shown.map(({ engine }) => engine));
  const [only] = engines.size === 1 ? engines : [];
  const further = roots.length + moreRoots - columns;
  return html`<h2 id="matrix">Roots and images</h2>
<ul class="legend">${order.filter((state) => used.has(state)).map((state) => html`<li>${stateMark(state)}<span class="quiet">: ${states[state].meaning}</span></li>`)}</ul>
<div class="scroll" role="region" tabindex="0" aria-labelledby="matrix-caption">
<table class="matrix${columns > MANY ? ' many' : ''}"><caption id="matrix-caption">Images in rows, roots in columns${only === undefined ? '' : `, all on ${only}`}. An empty cell: the root does not name the image.</caption>
<thead><tr><th scope="col">Image</th>${roots.slice(0, columns).map((root, index) => heading(root, index))}</tr></thead>
<tbody>
${rows.shown.map((one) => row(one, only === undefined))}</tbody></table></div>
${leftOut(rows, 'berth status', ' without trouble')}
${further > 0 ? html`<p class="quiet">Roots without a column here: ${further}.</p>` : undefined}`;
}

function heading({ id, role, state }: RootReport, index: number): Markup {
  return html`<th scope="col"><a href="#${sectionOf(index)}">${shortId(id)}</a><small>${role ?? 'no updater'}</small>${readyMark(state)}</th>`;
}

/** The checksum of a deployment is cut short: its section has all of it. */
function shortId(id: string): string {
  return id.replace(/^([0-9a-f]{12})[0-9a-f]{20,}/, '$1…');
}

function row({ name, engine, cells, differs }: MatrixRow, hasEngine: boolean): Markup {
  return html`<tr><th scope="row"><code>${name}</code>${hasEngine ? html`<small>${engine ?? 'engine not known'}</small>` : undefined}</th>${cells.map((one) => cell(one, differs))}</tr>
`;
}

function cell(found: MatrixCell | undefined, differs: boolean): Markup {
  if (found === undefined) return html`<td><span class="hidden">not named</span></td>`;
  const { state, digest } = found;
  const which =
    differs && digest !== undefined
      ? html`<small class="mono">${digest.slice(7, 19)}</small>`
      : undefined;
  return html`<td>${stateMark(state)}${which}</td>`;
}
