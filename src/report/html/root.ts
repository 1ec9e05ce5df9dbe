import { counted } from '../../common/counted.ts';
import { formatBytes } from '../../common/format-bytes.ts';
import type { ImageReport, RootReport, Way } from '../model/report.ts';
import { isTrouble, order, states } from '../model/states.ts';
import { html, type Markup } from './markup.ts';
import { picture } from './picture.ts';
import { lacksOf, leftOut, prose, readyMark, sectionOf, stateMark } from './words.ts';

/**
 * The section of a root: its images, each with the chain of units that starts it.
 *
 * @param isOpen whether all images are open, and not only those with trouble.
 */
export function root(report: RootReport, index: number, isOpen: boolean): Markup {
  const { id, location, role, state, staged, images, lacks, unread } = report;
  const section = sectionOf(index);
  const about = [
    role ?? 'known to no updater',
    ...(location === '' || location === id ? [] : [location]),
    staged === undefined ? 'not staged' : `staged ${staged.slice(0, 16).replace('T', ' ')} UTC`,
    countsOf(report),
  ];
  return html`<section class="root" id="${section}">
<header><h3>${id}</h3>${readyMark(state)}${lacks.shown.length === 0 ? undefined : html`<a href="#${lacksOf(index)}">what it lacks</a>`}</header>
<p class="quiet">${about.filter((text) => text !== '').join(' · ')}</p>
${unread && html`<p>The tree was not read, so the units below are those on record: ${prose(unread.message)}. → ${prose(unread.hint)}</p>`}
${
  images.shown.length === 0
    ? undefined
    : html`<ul class="images">
${images.shown.map((one, at) => image(one, `${section}-${at + 1}`, isOpen))}</ul>`
}
${leftOut(images, `berth images ${location}`)}
${notes(report)}
</section>`;
}

function countsOf({ counts }: RootReport): string {
  const said = order.flatMap((state) => {
    const count = counts.get(state) ?? 0;
    return count === 0 ? [] : [`${count} ${states[state].word}`];
  });
  return said.length === 0 ? 'no images' : said.join(', ');
}

function image(one: ImageReport, id: string, isOpen: boolean): Markup {
  const { name, engine = 'engine not known', state, isDrifted, size, lacks, ways } = one;
  const drifted = isDrifted ? html` <span class="state s-loose">drifted</span>` : undefined;
  return html`<li><details id="${id}"${isOpen || isTrouble(state) ? html` open` : undefined}><summary>${stateMark(state)}<code>${name}</code>${drifted}<span class="quiet">${engine}${size === undefined ? '' : ` · ${formatBytes(size)}`}</span></summary>
<div class="detail"><figure><figcaption>${ways.more + ways.shown.length === 0 ? 'No unit that names it is known' : 'How it is started'}</figcaption>${picture(one, `${id}-p`)}</figure>
<dl>${lacks.map(({ message, hint }) => html`<dt>Lacks</dt><dd>${prose(message)}<small>→ ${prose(hint)}</small></dd>`)}${ways.shown.length === 0 ? undefined : html`<dt>Named by</dt>${ways.shown.map(naming)}`}${ways.more === 0 ? undefined : html`<dd class="quiet">and ${ways.more} more: <code>berth why</code> lists all</dd>`}${identity(one)}</dl></div></details></li>
`;
}

function naming({ unit, place, rule, conditions }: Way): Markup {
  return html`<dd><code>${unit}</code><small><code>${place}</code></small>${rule === undefined ? undefined : html`<small>${rule}</small>`}${conditions.map((condition) => html`<small>if the host meets ${condition}</small>`)}</dd>`;
}

function identity({ digest, id }: ImageReport): Markup {
  return html`${digest === undefined ? undefined : html`<dt>Digest</dt><dd><code>${digest}</code></dd>`}${id === undefined || id === digest ? undefined : html`<dt>Image ID</dt><dd><code>${id}</code></dd>`}`;
}

function notes({ notes: list, location }: RootReport): Markup | undefined {
  const count = list.shown.length + list.more;
  if (count === 0) return undefined;
  return html`<details class="more-notes"><summary>${counted(count, 'note')} on files of the tree, which concern nothing that is bound</summary>
<ul class="lacks notes">${list.shown.map(
    ({
      code,
      place,
      message,
      hint,
    }) => html`<li><p><code>${place}</code>: ${prose(message)} <span class="quiet mono">${code}</span></p><p class="quiet">→ ${prose(hint)}</p></li>
`,
  )}</ul>${leftOut(list, `berth images ${location}`)}</details>`;
}
