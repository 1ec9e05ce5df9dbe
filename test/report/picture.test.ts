import assert from 'node:assert/strict';
import test from 'node:test';
import type { BoundReference } from '../../src/binding/survey.ts';
import { picture } from '../../src/report/html/picture.ts';
import type { Way } from '../../src/report/model/report.ts';
import { waysTo } from '../../src/report/model/ways.ts';

function way(activation: Way['activation'], ...chain: string[]): Way {
  const unit = chain.at(-1) ?? '';
  return { unit, place: '/x:1', activation, chain, conditions: [], rule: undefined };
}

function draw(ways: readonly Way[], more = 0) {
  const drawn = { name: 'r.example/web:1', state: 'pinned', ways: { shown: ways, more } } as const;
  const { text } = picture(drawn, 'p');
  const all = (pattern: RegExp) => [...text.matchAll(pattern)];
  return {
    text,
    labels: all(/<text [^>]*>([^<]*)/g).map(([, label = '']) => label),
    /** The column and line of each dot, counted from 0. */
    dots: all(/<circle [^>]*cx="(\d+)" cy="(\d+)"/g).map(([, x, y]) => [
      (Number(x) - 12) / 18,
      (Number(y) - 14) / 28,
    ]),
  };
}

test('a chain is one line from the target to the image', () => {
  const { labels, dots, text } = draw([way('boot', 'default.target', 'web.service')]);
  assert.deepEqual(labels, ['default.target', 'web.service', '✓ r.example/web:1']);
  assert.deepEqual(dots, [
    [0, 0],
    [0, 1],
  ]);
  assert.match(
    text,
    /<desc id="p-d">default.target, then web.service \(at boot\). The image: pinned/,
  );
  assert.match(text, /<title id="p-t">How r.example\/web:1 is started<\/title>/);
});

test('what ways begin with is drawn once, and each way has a lane of its own', () => {
  const { labels, dots } = draw([
    way('boot', 'default.target', 'a.service'),
    way('timer', 'default.target', 'b.timer', 'b.service'),
    way('socket', 'c.socket', 'c.service'),
  ]);
  const units = ['default.target', 'a.service', 'b.timer', 'b.service', 'c.socket', 'c.service'];
  assert.deepEqual(labels, [...units, '✓ r.example/web:1']);
  assert.deepEqual(
    dots.map(([lane]) => lane),
    [0, 0, 1, 1, 2, 2],
  );
});

test('an image that no unit is known to name has a picture all the same', () => {
  const { labels, text } = draw([], 3);
  assert.deepEqual(labels, ['✓ r.example/web:1']);
  assert.match(text, /3 more that name it are not drawn/);
});

test('long names, long chains and many ways are cut', () => {
  const chain = Array.from({ length: 1000 }, (_, index) => `${index}-${'x'.repeat(2000)}.service`);
  const references = Array.from({ length: 1000 }, (_, index) => ({
    unit: 'u.service',
    path: '/u',
    line: index,
    activation: 'boot',
    via: [...chain, `${index}.service`],
    decision: { bound: true, rule: 'r' },
  })) as unknown as BoundReference[];
  const ways = waysTo(references, [], 'podman');
  assert.equal(ways.shown.length + ways.more, 1000);
  const { text, labels } = draw(ways.shown, ways.more);
  assert.ok(text.length < 60_000, String(text.length));
  assert.ok(labels.every((label) => label.length <= 42));
  assert.ok(labels.includes('… 992 units …'), labels.join('\n'));
});
