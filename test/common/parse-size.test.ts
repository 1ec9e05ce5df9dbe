import assert from 'node:assert/strict';
import test from 'node:test';
import { formatBytes } from '../../src/common/format-bytes.ts';
import { parseSize } from '../../src/common/parse-size.ts';

test('a size is decimal unless its unit is iB', () => {
  for (const [text, bytes] of [
    ['0', 0],
    ['4096', 4096],
    ['4096B', 4096],
    ['500K', 500_000],
    ['500 kB', 500_000],
    ['1.5MB', 1_500_000],
    ['2G', 2_000_000_000],
    ['2GB', 2_000_000_000],
    ['2GiB', 2 * 1024 ** 3],
    ['0.5 MiB', 512 * 1024],
    ['', undefined],
    ['-1', undefined],
    ['2iB', undefined],
    ['2 bytes', undefined],
    ['9999E', undefined],
  ] as const) {
    assert.equal(parseSize(text), bytes, text);
  }
});

test('berth can parse the sizes that it prints', () => {
  for (const bytes of [7, 1000, 20_700, 1_500_000, 2_000_000_000, 3_100_000_000_000]) {
    assert.equal(parseSize(formatBytes(bytes)), bytes);
  }
});
