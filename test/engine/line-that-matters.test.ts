import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lineThatMatters } from '../../src/engine/line-that-matters.ts';

test('of a podman that fails, the error is shown, and not the warnings before it', () => {
  const cases = [
    ['podman did not start: it said nothing', 'podman did not start: it said nothing'],
    [
      'podman did not start: time="…" level=warning msg="no session"\n\ntime="…" level=warning\nError: no space\n',
      'podman did not start: Error: no space',
    ],
    ['it ended\nError: no space', 'it ended: Error: no space'],
    [
      'podman did not start: time="…" level=error msg="invalid internal status, try \\"podman system migrate\\": no such process"',
      'podman did not start: invalid internal status, try "podman system migrate": no such process',
    ],
    ['', ''],
  ] as const;
  for (const [message, line] of cases) assert.equal(lineThatMatters(message), line);
});

test('a long line is cut', () => {
  assert.equal(lineThatMatters(`a: b\n${'x'.repeat(1000)}`).length, 301);
});
