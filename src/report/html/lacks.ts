import type { Lack, Report, RootReport } from '../model/report.ts';
import { html, type Markup } from './markup.ts';
import { lacksOf, leftOut, prose, sectionOf } from './words.ts';

/** What is missing, by root, and what to do about it. */
export function lacks({ roots }: Report): Markup {
  const lacking = roots.map((root, index) => ({ root, index }));
  const told = lacking.filter(({ root }) => root.lacks.shown.length + root.lacks.more > 0);
  if (told.length === 0) return html``;
  return html`<h2 id="lacks">What is missing</h2>
${told.map(({ root, index }) => ofRoot(root, index))}`;
}

function ofRoot({ id, role, lacks: list }: RootReport, index: number): Markup {
  return html`<div class="root">
<h3 id="${lacksOf(index)}"><a href="#${sectionOf(index)}">${id}</a>${role === undefined ? undefined : html` <span class="quiet">(${role})</span>`}</h3>
<ul class="lacks">${byHint(list.shown).map(([hint, said]) => reason(hint, said))}</ul>
${leftOut(list, `berth verify ${id}`)}
</div>`;
}

/** Reasons with one remedy are told together. */
function byHint(list: readonly Lack[]): readonly (readonly [string, readonly Lack[]])[] {
  return [...Map.groupBy(list, ({ hint }) => hint)];
}

function reason(hint: string, said: readonly Lack[]): Markup {
  return html`<li>${said.map(({ message, code }) => html`<p>${prose(message)} <span class="quiet mono">${code}</span></p>`)}<p><strong>What to do:</strong> ${prose(hint)}</p></li>
`;
}
