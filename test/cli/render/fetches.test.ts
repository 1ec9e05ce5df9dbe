import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type Fetch, followFetches } from '../../../src/cli/render/fetches.ts';
import { jsonProgress } from '../../../src/cli/render/json-progress.ts';
import { plainProgress } from '../../../src/cli/render/plain-progress.ts';
import { picture, terminalProgress } from '../../../src/cli/render/terminal-progress.ts';
import { timeText, wholeLine } from '../../../src/cli/render/whole-line.ts';
import type { ProgressEvent } from '../../../src/lifecycle/events.ts';
import { holds } from '../../support/property.ts';

const about = (id: string) =>
  ({ id, name: `registry.example.com/${id}:1`, engine: 'podman' }) as const;

test('an image goes from waiting to done, and the whole is the sum of all', () => {
  let time = 0;
  const fetches = followFetches(() => time);
  const state = (event: ProgressEvent) => fetches.hear(event)?.state;
  assert.equal(state({ event: 'fetch-planned', bytes: 1000, ...about('a') }), 'waiting');
  assert.equal(state({ event: 'fetch-planned', bytes: 3000, ...about('b') }), 'waiting');
  assert.equal(state({ event: 'fetch-planned', bytes: 0, ...about('c') }), 'waiting');
  assert.equal(state({ event: 'fetch-started', bytes: 1000, ...about('a') }), 'downloading');
  time = 500;
  assert.equal(state({ event: 'fetch-progress', bytes: 400, ...about('a') }), 'downloading');
  time = 2000;
  assert.equal(state({ event: 'fetch-progress', bytes: 1000, ...about('a') }), 'unpacking');
  assert.equal(wholeLine(fetches.whole()), '0 of 3 images, 1.0 kB of 4.0 kB, 500 B/s, 6 s left');
  assert.equal(state({ event: 'fetched', ...about('a') }), 'done');
  assert.equal(state({ event: 'pinning', root: 'os', ...about('a') }), 'pinning');
  assert.equal(state({ event: 'pinned', root: 'os', ...about('a') }), 'done');
  assert.equal(state({ event: 'fetch-started', bytes: 0, ...about('c') }), 'unpacking');
  const failure = { code: 'x', message: 'x' };
  assert.equal(state({ event: 'fetch-failed', ...failure, ...about('b') }), 'failed');
  assert.equal(state({ event: 'pinned', root: 'os', ...about('unheard-of') }), undefined);
  const { images, done, failed, bytes, total } = fetches.whole();
  assert.deepEqual(
    { images, done, failed, bytes, total },
    {
      images: 3,
      done: 1,
      failed: 1,
      bytes: 1000,
      total: 4000,
    },
  );
});

test('an engine that tells how far it is with unpacking is believed, and one that does not has a moving sign', () => {
  const fetches = followFetches(() => 0);
  for (const id of ['a', 'b']) fetches.hear({ event: 'fetch-started', bytes: 0, ...about(id) });
  fetches.hear({ event: 'unpack-progress', bytes: 45_000_000, total: 90_000_000, ...about('a') });
  const [, a, b] = picture([...fetches.all()], 'whole', { columns: 80, rows: 24 });
  assert.match(a ?? '', /^\S unpacking   ━{6}╌{6} 45\.0 MB of 90\.0 MB .*a:1$/);
  assert.match(b ?? '', /^\S unpacking   registry\.example\.com\/b:1$/);
});

test('a pipe hears of an image that is being unpacked every ten seconds', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const lines: string[] = [];
  const { report } = plainProgress((text) => lines.push(text));
  report({ event: 'fetch-planned', bytes: 0, ...about('a') });
  report({ event: 'fetch-started', bytes: 0, ...about('a') });
  report({ event: 'unpack-progress', bytes: 1000, total: 4000, ...about('a') });
  t.mock.timers.tick(20_000);
  const working = 'working  0 of 1 image; unpacking registry.example.com/a:1 (1.0 kB of 4.0 kB)\n';
  assert.deepEqual(lines, [
    'unpacking registry.example.com/a:1, which is here already\n',
    working,
    working,
  ]);
});

test('a layer of two images counts once in the whole', () => {
  const fetches = followFetches(() => 0);
  for (const id of ['a', 'b']) fetches.hear({ event: 'fetch-planned', bytes: 600, ...about(id) });
  for (const id of ['a', 'b']) fetches.hear({ event: 'fetch-started', bytes: 1000, ...about(id) });
  assert.equal(fetches.hear({ event: 'fetch-progress', bytes: 500, ...about('a') })?.bytes, 500);
  assert.deepEqual([fetches.whole().bytes, fetches.whole().total], [300, 1200]);
  for (const id of ['a', 'b']) fetches.hear({ event: 'fetched', ...about(id) });
  assert.deepEqual([fetches.whole().bytes, fetches.whole().total], [1200, 1200]);
});

test('images that are planned when all others are done are counted from the beginning', () => {
  const fetches = followFetches(() => 0);
  const bring = (id: string) => {
    fetches.hear({ event: 'fetch-planned', bytes: 1000, ...about(id) });
    fetches.hear({ event: 'fetch-started', bytes: 1000, ...about(id) });
  };
  const end = { code: 'x', message: 'x' };
  bring('a');
  fetches.hear({ event: 'fetched', ...about('a') });
  bring('b');
  assert.equal(wholeLine(fetches.whole()), '0 B of 1.0 kB');
  bring('c');
  assert.equal(wholeLine(fetches.whole()), '0 of 2 images, 0 B of 2.0 kB');
  fetches.hear({ event: 'fetched', ...about('b') });
  fetches.hear({ event: 'fetch-failed', ...end, ...about('c') });
  bring('c');
  assert.equal(wholeLine(fetches.whole()), '0 B of 1.0 kB');
});

test('times are told in the two largest units', () => {
  assert.deepEqual([0.2, 59.5, 200, 7500].map(timeText), [
    '1 s',
    '1 min 0 s',
    '3 min 20 s',
    '2 h 5 min',
  ]);
});

const anyFetch = fc.record<Fetch>({
  image: fc.string({ unit: fc.constantFrom('a', '/', ':'), minLength: 1, maxLength: 120 }),
  total: fc.nat(5_000_000_000),
  part: fc.nat(5_000_000_000),
  bytes: fc.nat(1_000_000),
  state: fc.constantFrom('waiting', 'downloading', 'unpacking', 'pinning', 'done', 'failed'),
  startedAt: fc.constant(0),
});

test('what moves fits the terminal, whatever its size', async () => {
  const whole = '3 of 11 images, 97.0 MB of 390.0 MB, 12.0 MB/s, 24 s left';
  const property = fc.property(
    fc.array(anyFetch, { maxLength: 40 }),
    fc.integer({ min: 1, max: 200 }),
    fc.integer({ min: 1, max: 60 }),
    (fetches, columns, rows) => {
      const lines = picture(fetches, whole, { columns, rows });
      assert.ok(lines.length < rows, `${lines.length} of ${rows}`);
      for (const line of lines) assert.ok(line.length < columns, `${line.length}: ${line}`);
    },
  );
  await holds(300, property);
});

test('what the line of the whole has no room for is left out, not cut', () => {
  const whole = '3 of 11 images, 97.0 MB of 390.0 MB, 12.0 MB/s, 24 s left';
  const fetch: Fetch = {
    image: 'a',
    total: 1,
    part: 1,
    bytes: 0,
    state: 'waiting',
    startedAt: 0,
  };
  const first = (columns: number) => picture([fetch], whole, { columns, rows: 9 })[0];
  assert.equal(first(80), whole);
  assert.equal(first(50), '3 of 11 images, 97.0 MB of 390.0 MB, 12.0 MB/s');
  assert.equal(first(20), '3 of 11 images');
  assert.equal(first(8), '3 of 11');
});

test('a terminal of one column is erased line by line', (t) => {
  const { columns } = process.stderr;
  t.after(() => (process.stderr.columns = columns));
  process.stderr.columns = 1;
  const written: string[] = [];
  const progress = terminalProgress((text) => written.push(text));
  t.after(() => progress.end());
  progress.report({ event: 'fetch-started', bytes: 1000, ...about('a') });
  progress.report({ event: 'warning', code: 'name-kept', message: 'one' });
  progress.report({ event: 'warning', code: 'name-kept', message: 'two' });
  assert.deepEqual(written, ['warning: one\n', '\n\n', '\x1b[2A\x1b[0J', 'warning: two\n', '\n\n']);
});

test('bytes are told ten times a second at most, the last soon, and before the image is fetched', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const lines: string[] = [];
  const { report } = jsonProgress((line) => lines.push(line));
  const told = () => lines.filter((line) => line.includes('fetch-progress'));
  const come = (bytes: number) => report({ event: 'fetch-progress', bytes, ...about('a') });
  report({ event: 'fetch-started', bytes: 9000, ...about('a') });
  for (let bytes = 1; bytes <= 5000; bytes += 1) {
    if (bytes % 5 === 0) t.mock.timers.tick(1);
    come(bytes);
  }
  assert.ok(told().length >= 10 && told().length <= 11, String(told().length));
  t.mock.timers.tick(100);
  assert.match(told().at(-1) ?? '', /"bytes":5000[,}]/);
  come(9000);
  come(9000);
  report({ event: 'fetched', ...about('a') });
  assert.match(told().at(-1) ?? '', /"bytes":9000[,}]/);
  assert.match(lines.at(-1) ?? '', /"event":"fetched"/);
  const { length } = lines;
  t.mock.timers.tick(1000);
  assert.equal(lines.length, length);
});
