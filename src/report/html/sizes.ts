import { formatBytes } from '../../common/format-bytes.ts';
import type { Report, RootReport, RootSize } from '../model/report.ts';
import { html, type Markup } from './markup.ts';
import { sectionOf } from './words.ts';

/** What roots take on disk, and what they share. */
export function sizes({ sizes: { roots, total, apart, byImage }, roots: all }: Report): Markup {
  const largest = roots.reduce((most, size) => Math.max(most, size.total), 1);
  const rows = roots.flatMap((size, index) => {
    const root = all[index];
    return root === undefined ? [] : [row(root, size, index, largest)];
  });
  return html`<h2 id="sizes">Sizes</h2>
<p>The images of all roots of this host take <strong>${formatBytes(total)}</strong> on disk. Without sharing it would be ${formatBytes(apart)}.</p>
${byImage.length === 0 ? undefined : html`<p class="quiet">${byImage.join(', ')}: not known by layer, so each image counts as one piece, and images may share more than is shown.</p>`}
<div class="scroll" role="region" tabindex="0" aria-labelledby="sizes-caption">
<table class="sizes"><caption id="sizes-caption">On disk. “Only here” becomes free when the root is released and pruned.</caption>
<thead><tr><th scope="col">Root</th><th scope="col" class="number">Total</th><th scope="col" class="number">Only here</th><th scope="col" class="number">Shared</th><th scope="col">Only here and shared</th></tr></thead>
<tbody>
${rows}</tbody></table></div>`;
}

function row({ id }: RootReport, { total, own }: RootSize, index: number, largest: number): Markup {
  const width = (bytes: number) => Math.round((bytes / largest) * 1000) / 10;
  const [ownWidth, totalWidth] = [width(own), width(total)];
  return html`<tr><th scope="row"><a href="#${sectionOf(index)}">${id}</a></th><td class="number">${formatBytes(total)}</td><td class="number">${formatBytes(own)}</td><td class="number">${formatBytes(total - own)}</td><td><svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true"><rect class="none" width="100" height="4"/><rect class="shared" width="${totalWidth}" height="4"/><rect class="own" width="${ownWidth}" height="4"/></svg></td></tr>
`;
}
