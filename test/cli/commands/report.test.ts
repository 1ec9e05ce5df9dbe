import assert from 'node:assert/strict';
import {
  chmodSync,
  lstatSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { startReportHost } from '../../report/samples.ts';
import { main, startMachine } from '../../support/berth.ts';

/** The text of a page, with a space for each tag. */
function textOf(page: string): string {
  const body = page.slice(page.indexOf('<body>'));
  return body.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ');
}

test('the report of a host has every root, and of one root only that one', async (t) => {
  const host = await startReportHost(t);
  const { flags, roots, directory, registry } = host;
  const report = async (...words: string[]) => {
    const { code, stdout, stderr } = await host.berth('report', ...flags, ...words);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^<!doctype html>\n.*<\/html>\n$/s);
    return textOf(stdout);
  };
  const asked = registry.requests.length;
  const all = await report();
  assert.match(all, /Not ready\. 2 of 3 roots lack something/);
  assert.match(all, /os-a ✓ ready/);
  assert.match(
    all,
    /os-b \(other\) registry\.example\.com\/acme\/tele:1 is not there image-missing/,
  );
  assert.match(all, /What to do: run berth reconcile/);
  assert.match(all, /broken\.container:2: .* can&#39;t be an image name/);
  assert.match(all, /acme\/debug:1 (– not bound ){3}/);
  assert.match(all, /acme\/tele:1 not named ✗ missing not named/);
  assert.match(
    all,
    /default\.target multi-user\.target timers\.target backup\.timer backup\.service by a timer/,
  );
  assert.match(all, /if the host meets db\.service: ConditionPathExists=\/etc\/db/);
  // os-a alone has the upper layer of web:1, and shares its lower one, api and db with the others.
  assert.match(all, /os-a 113\.\d kB 21\.\d kB 92\.\d kB/);
  for (const spec of ['os-c', roots.c]) {
    const one = await report(spec);
    assert.match(one, /Not ready\. The root lacks/);
    assert.ok(!one.includes('os-a'), one);
    assert.match(one, /acme\/web:2 ✓ pinned/);
  }
  assert.match(await report('booted'), /Ready\. The root has every image in place/);
  assert.match(await report('--bind', 'all', '--id', 'new', roots.b), /new ✗ not ready/);
  rmSync(roots.b, { recursive: true });
  const gone = await report();
  assert.match(gone, /The tree was not read, so the units below are those on record: .*\/b/);
  assert.match(gone, /Named by web\.service \/usr\/share\/containers\/systemd\/web\.container:2/);
  assert.equal(registry.requests.length, asked, 'no registry was asked');
  assert.equal(statSync(join(directory, 'state')).mode & 0o777, 0o700);
});

test('a host on which nothing is staged has a short report', async (t) => {
  const { code, stdout, stderr } = await (await startMachine(t)).berth(
    'report',
    '--engine',
    'store',
  );
  assert.equal(code, 0, stderr);
  assert.match(
    textOf(stdout),
    /Nothing is staged here\. berth stage ROOT fetches .* Made by berth/,
  );
  assert.ok(!stdout.includes('<table'));
});

test('the page is written whole, also where a link leads', async (t) => {
  const host = await startReportHost(t);
  const { flags, directory } = host;
  const [file, other] = [join(directory, 'report.html'), join(directory, 'other')];
  writeFileSync(other, 'old');
  chmodSync(other, 0o600);
  symlinkSync(other, file);
  const { code, stdout, stderr } = await host.berth('report', ...flags, '--output', file);
  assert.deepEqual([code, stdout], [0, ''], stderr);
  assert.match(stderr, /report\.html is written\.\n$/);
  assert.match(readFileSync(other, 'utf8'), /<\/html>\n$/);
  assert.ok(lstatSync(file).isSymbolicLink());
  assert.equal(statSync(other).mode & 0o777, 0o600);
  const nowhere = await host.berth('report', ...flags, '--output', join(directory, 'no/where'));
  assert.equal(nowhere.code, 1);
  assert.match(nowhere.stderr, /^berth: can't write the report to .*ENOENT.*\n {2}→ name a file/m);
  const words = [process.execPath, main, 'report', ...flags].join(' ');
  const terminal = await host.program('script', '-qec', words, '/dev/null');
  assert.equal(terminal.code, 2, terminal.stdout);
  assert.match(terminal.stdout, /expected a file for the page of HTML, found a terminal/);
});

test("what a report can't do is told: an id of nothing, and a place that is not there", async (t) => {
  const machine = await startMachine(t);
  const report = (...words: string[]) => machine.berth('report', '--engine', 'store', ...words);
  const id = await report('--id', 'os');
  assert.deepEqual([id.code, id.stdout], [2, '']);
  assert.match(id.stderr, /^berth: expected the root that --id names, found no ROOT\n {2}→ /);
  const place = join(machine.directory, 'none/report.html');
  const unwritten = await report('--output', place);
  assert.equal(unwritten.code, 1);
  const expected = `berth: can't write the report to ${place}: ENOENT: no such file or directory\n`;
  assert.ok(unwritten.stderr.startsWith(expected), unwritten.stderr);
});
