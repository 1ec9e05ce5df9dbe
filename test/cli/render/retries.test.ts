import assert from 'node:assert/strict';
import test from 'node:test';
import { gatherRetries } from '../../../src/cli/render/retries.ts';

const retry = (repository: string, cause: string, milliseconds: number) =>
  ({
    event: 'retry',
    code: 'busy',
    message: `registry r.example.com, repository ${repository}: ${cause}`,
    milliseconds,
  }) as const;

test('retries of one registry for one cause become one line, and later lines come seldom', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  t.mock.method(performance, 'now', () => 0);
  const lines: string[] = [];
  const retries = gatherRetries((line) => void lines.push(line));
  for (let i = 0; i < 20; i += 1) retries.hear(retry(`app${i}`, 'found 503', 100 * i));
  retries.hear(retry('app1', 'found 503', 4000));
  retries.hear(retry('db', 'found a broken connection', 1200));
  assert.deepEqual(lines, []);
  t.mock.timers.tick(500);
  assert.deepEqual(lines.splice(0), [
    'again in 4.0 s: 20 images of registry r.example.com: found 503',
    'again in 1.2 s: registry r.example.com, repository db: found a broken connection',
  ]);
  retries.hear(retry('app3', 'found 503', 2000));
  t.mock.timers.tick(9_999);
  assert.deepEqual(lines, []);
  t.mock.timers.tick(1);
  assert.deepEqual(lines.splice(0), [
    'again in 2.0 s: registry r.example.com, repository app3: found 503',
  ]);
  t.mock.timers.tick(60_000);
  retries.hear(retry('app3', 'found 503', 2000));
  retries.end();
  t.mock.timers.tick(60_000);
  assert.deepEqual(lines, [], 'nothing is said when the command has ended');
});
