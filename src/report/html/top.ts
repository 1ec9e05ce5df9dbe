import { counted } from '../../common/counted.ts';
import { formatBytes } from '../../common/format-bytes.ts';
import type { Report, RootReport, Sizes } from '../model/report.ts';
import { isTrouble } from '../model/states.ts';
import { html, type Markup } from './markup.ts';
import { prose } from './words.ts';

/** The head of the page: which host, when, and the answer in one sentence. */
export function top(report: Report): Markup {
  const { host, time, version, held, warnings } = report;
  const written = time.toISOString();
  const isEmpty = report.roots.length === 0;
  return html`<header>
<h1>Images of ${host}</h1>
<p class="quiet"><time datetime="${written}">${written.slice(0, 16).replace('T', ' ')} UTC</time> · berth ${version}</p>
${verdict(report.roots)}
${held && html`<p class="verdict not"><strong>${held.root} was held back</strong> at ${held.time}, and is not what runs: ${held.reasons.slice(0, 3).join('; ')}. Queue it again: what is missing is fetched then.</p>`}
${warnings.map(({ message, hint }) => html`<p class="verdict not"><strong>Not known:</strong> ${prose(message)}. → ${prose(hint)}</p>`)}
${isEmpty ? undefined : facts(report)}
</header>
${isEmpty ? undefined : links(report.roots)}`;
}

function links(roots: readonly RootReport[]): Markup {
  return html`<nav aria-label="Sections"><ul>
${isReady(roots) ? undefined : html`<li><a href="#lacks">What is missing</a></li>`}
<li><a href="#matrix">Roots and images</a></li>
<li><a href="#sizes">Sizes</a></li>
<li><a href="#roots">Each root, with its boot chains</a></li>
</ul></nav>`;
}

function isReady(roots: readonly RootReport[]): boolean {
  return roots.every(({ state }) => state !== 'not ready');
}

function verdict(roots: readonly RootReport[]): Markup {
  if (roots.length === 0) {
    return html`<p class="verdict not"><strong>Nothing is staged here.</strong> <code>berth stage ROOT</code> fetches and pins the images of a root.</p>`;
  }
  const lacking = roots.filter(({ state }) => state === 'not ready');
  if (lacking.length === 0) {
    const whose = roots.length === 1 ? 'The root has' : `All ${roots.length} roots have`;
    return html`<p class="verdict"><strong>✓ Ready.</strong> ${whose} every image in place.</p>`;
  }
  const [first] = lacking;
  const which =
    roots.length === 1
      ? 'The root lacks'
      : lacking.length === 1
        ? `1 of ${roots.length} roots, ${first?.id ?? ''}, lacks`
        : `${lacking.length} of ${roots.length} roots lack`;
  return html`<p class="verdict not"><strong>✗ Not ready.</strong> ${which} something that the boot needs: <a href="#lacks">what is missing</a>.</p>`;
}

function facts({ roots, sizes }: Report): Markup {
  const images = new Set<string>();
  const troubled = new Set<string>();
  let more = false;
  for (const { images: list } of roots) {
    more ||= list.more > 0;
    for (const { name, engine = '?', state } of list.shown) {
      if (state === 'unbound') continue;
      images.add(`${engine} ${name}`);
      if (isTrouble(state)) troubled.add(`${engine} ${name}`);
    }
  }
  const least = more ? 'at least ' : '';
  return html`<ul class="facts">
${fact(String(roots.length), counted(roots.length, 'root').replace(/^\d+ /, ''))}
${fact(`${least}${images.size}`, `${counted(images.size, 'image').replace(/^\d+ /, '')} needed`)}
${fact(`${least}${troubled.size}`, 'missing or at risk')}
${onDisk(sizes)}
</ul>`;
}

function fact(figure: string, what: string): Markup {
  return html`<li><b>${figure}</b><span>${what}</span></li>`;
}

/** What one root takes, or all together. */
function onDisk({ roots, total, apart }: Sizes): Markup {
  const [only, ...more] = roots;
  if (only !== undefined && more.length === 0) {
    return fact(formatBytes(only.total), `on disk, ${formatBytes(only.own)} of it only here`);
  }
  const saved = apart - total;
  return fact(
    formatBytes(total),
    saved > 0 ? `on disk, ${formatBytes(saved)} less by sharing` : 'on disk',
  );
}
