import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sharedName } from '../../src/systemd/shared-name.ts';

test('every name comes back as it is, however many there are', () => {
  const names = Array.from({ length: 3_000 }, (_, i) => `Key${i}`);
  names.push('', '__proto__', 'constructor', 'K'.repeat(10_000));
  for (const name of [...names, ...names]) assert.equal(sharedName(name), name);
});
