import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import axe, { type AxeResults } from 'axe-core';
import { shown } from '../../src/common/shown.ts';
import { page } from '../../src/report/html/page.ts';
import { type Page, type Screen, startChromium } from '../support/chromium.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { sampleReport, startReportHost } from './samples.ts';

/** What axe finds against the rules of WCAG 2.2, level AA, and good practice. */
async function faultsIn(shownPage: Page): Promise<readonly string[]> {
  if ((await shownPage.evaluate('typeof axe')) === 'undefined')
    await shownPage.evaluate(`${axe.source};0`);
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
  const asked = { runOnly: tags, resultTypes: ['violations', 'incomplete'] };
  const found = (await shownPage.evaluate(`axe.run(${JSON.stringify(asked)})`)) as AxeResults;
  assert.ok(found.passes.length > 20, 'axe has looked');
  // axe can't tell the contrast of what another element may cover; nothing here does.
  const unsure = found.incomplete.filter(({ id }) => id !== 'color-contrast');
  return [...found.violations, ...unsure].map(
    ({ id, help, nodes }) => `${id}: ${help}: ${nodes[0]?.html}`,
  );
}

const screens: readonly Screen[] = [
  { width: 1280, scheme: 'light' },
  { width: 1280, scheme: 'dark' },
  { width: 360, scheme: 'light' },
  { width: 360, scheme: 'dark' },
];

test('a report is for everybody: in light and dark, wide and narrow, by keyboard and on paper', async (t) => {
  const open = await startChromium(t);
  const host = await startReportHost(t);
  const path = join(host.directory, 'report.html');
  const asked = host.registry.requests.length;
  const { code, stderr, stdout } = await host.berth('report', ...host.flags, '--output', path);
  assert.deepEqual([code, stdout], [0, ''], stderr);
  assert.equal(host.registry.requests.length, asked, 'no registry is asked');
  const report = await open(path);
  const pictures: Buffer[] = [];
  for (const screen of screens) {
    await report.screen(screen);
    pictures.push(await report.screenshot());
  }
  await t.test('it is not blank, and dark is not light', () => {
    assert.ok(pictures.every((picture) => picture.length > 20_000));
    assert.equal(new Set(pictures.map((picture) => picture.toString('base64'))).size, 4);
  });
  await t.test('it fits a screen of 320 pixels', async () => {
    await report.screen({ width: 320 });
    await report.evaluate(
      'for (const one of document.querySelectorAll("details")) one.open = true',
    );
    const width = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
    assert.equal(await report.evaluate(width), 0);
  });
  await t.test('axe finds nothing, whatever is open', async () => {
    for (const screen of screens) {
      await report.screen(screen);
      assert.deepEqual(await faultsIn(report), [], JSON.stringify(screen));
    }
  });
  await t.test(
    'Tab leads to all that can be scrolled or opened, and shows where it is',
    async () => {
      const reached = await tabbed(report);
      assert.equal(reached[0], 'Skip to the report');
      assert.ok(reached.some((text) => text.startsWith('Images in rows')));
      assert.ok(reached.some((text) => text.startsWith('On disk')));
      assert.ok(reached.some((text) => text.includes('acme/web:2')));
    },
  );
  await t.test('paper has the chains, also those that are closed on the screen', async () => {
    const pdf = join(host.directory, 'report.pdf');
    writeFileSync(pdf, await (await open(path)).print());
    const text = execFileSync('pdftotext', ['-layout', pdf, '-'], { encoding: 'utf8' });
    for (const expected of ['timers.target', 'backup.timer', 'if the host meets', 'tele:1'])
      assert.ok(text.includes(expected), `${expected} in ${text}`);
  });
  assert.deepEqual(report.deeds, { requests: [`file://${path}`], complaints: [] });
});

/** The texts of the elements that Tab leads to, until it leaves the page. */
async function tabbed(shownPage: Page): Promise<readonly string[]> {
  const where = `(() => {
    const at = document.activeElement;
    if (at === document.body) return null;
    return [at.textContent.trim(), getComputedStyle(at).outlineStyle];
  })()`;
  await shownPage.evaluate('document.activeElement.blur(); scrollTo(0, 0)');
  const reached: string[] = [];
  for (;;) {
    await shownPage.press('Tab');
    const found = (await shownPage.evaluate(where)) as readonly [string, string] | null;
    if (found === null) return reached;
    assert.notEqual(found[1], 'none', `${found[0]} shows that it has the focus`);
    reached.push(found[0]);
  }
}

const hostile = [
  '</title></style></svg><script>document.title="bad"</script>',
  '"><img src=http://127.0.0.1:9/x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  '<!--',
  ']]><svg onload=alert(1)>',
  '&lt;b&gt; &amp;amp; &#60;',
  'line\nbreak\u202e\u0000\ud800',
  '`<i>`',
];

test('texts of a root add nothing to the page, and nothing that it could add would run', async (t) => {
  const open = await startChromium(t);
  const directory = temporaryDirectory(t);
  const opened = async (name: string, text: (what: string) => string) => {
    const path = join(directory, `${name}.html`);
    writeFileSync(path, page(sampleReport(text)));
    return { path, page: await open(path) };
  };
  const skeleton = `[...document.querySelectorAll('*')].map(
    (one) => one.tagName + [...one.attributes].map(({ name }) => ' ' + name).join('')).join('\\n')`;
  const plain = await opened('plain', () => 'x `y`');
  const expected = await plain.page.evaluate(skeleton);
  for (const [index, bad] of hostile.entries()) {
    const text = index === hostile.length - 1 ? bad : `${bad} \`y\``;
    const { path, page: made } = await opened(`hostile-${index}`, () => text);
    assert.equal(await made.evaluate(skeleton), expected, bad);
    assert.equal(await made.evaluate('document.title'), `berth report: ${shown(text)}`.trim());
    const spaces = /\s+/g;
    const cells = await made.evaluate(
      `[...document.querySelectorAll('tbody th code')].map((one) => one.textContent)`,
    );
    assert.deepEqual(new Set(cells as string[]), new Set([shown(text)]), bad.replace(spaces, ' '));
    assert.deepEqual(made.deeds, { requests: [`file://${path}`], complaints: [] });
  }
  const refused = `new Promise((resolve) => {
    document.addEventListener('securitypolicyviolation', (event) => resolve(event.violatedDirective));
    document.body.insertAdjacentHTML('beforeend', '<img src="http://127.0.0.1:9/x">');
  })`;
  assert.equal(await plain.page.evaluate(refused), 'img-src');
});
