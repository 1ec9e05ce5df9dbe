import assert from 'node:assert/strict';
import test from 'node:test';
import { importedKeys, verdictOf } from '../../../../src/registry/policy/openpgp/status.ts';

const KEY = 'A'.repeat(40);
const SUBKEY = 'B'.repeat(40);

/** What gpg says, line by line. */
const said = (...lines: readonly string[]) => lines.map((line) => `[GNUPG:] ${line}\n`).join('');

const good = [
  'NEWSIG',
  'PLAINTEXT 62 1600000000 ',
  `GOODSIG ${SUBKEY.slice(24)} somebody`,
  `VALIDSIG ${SUBKEY} 2026-01-01 1767225600 0 4 0 22 8 00 ${KEY}`,
  'TRUST_FULLY 0 always',
];

test('a good signature counts for the primary key', () => {
  assert.deepEqual(verdictOf(said(...good)), { key: KEY });
});

const bad: readonly (readonly [what: string, lines: readonly string[], reason: RegExp])[] = [
  ['nothing', [], /not an OpenPGP signature/],
  ['no data', ['NODATA 4'], /not an OpenPGP signature/],
  ['two signatures', [...good, 'NEWSIG', `GOODSIG ${KEY} x`], /2 signatures/],
  ['another key', ['NEWSIG', 'ERRSIG 0 22 8 00 1600000000 9 -', 'NO_PUBKEY 0'], /by another key/],
  ['a wrong signature', ['NEWSIG', `BADSIG ${KEY} x`], /a wrong signature/],
  ['an expired one', [...good, `EXPSIG ${KEY} x`], /has expired/],
  ['a good one twice', [...good, `GOODSIG ${KEY} x`], /not one signed text/],
  ['no text', good.filter((line) => !line.startsWith('PLAINTEXT')), /not one signed text/],
  ['two texts', [...good, 'PLAINTEXT 62 0 '], /not one signed text/],
  ['more that is not understood', [...good, 'UNEXPECTED 0'], /can’t read all/],
  ['a failure', [...good, 'FAILURE gpg-exit 33554433'], /can’t read all/],
  [
    'a fingerprint that is cut off',
    good.map((line) => line.replace(` ${KEY}`, '')),
    /without the fingerprint/,
  ],
];

for (const [what, lines, reason] of bad) {
  test(`${what}: refused`, () => {
    const verdict = verdictOf(said(...lines));
    assert.ok(typeof verdict === 'string', what);
    assert.match(verdict, reason);
  });
}

test('lines of others are not gpg’s', () => {
  assert.equal(typeof verdictOf(good.map((line) => `gpg: [GNUPG:] ${line}\n`).join('')), 'string');
  const lines = said('IMPORT_OK 1 AB', 'KEY_CONSIDERED CD 0', 'IMPORT_OK 0 EF', 'IMPORT_OK');
  assert.deepEqual(importedKeys(lines), ['AB', 'EF']);
});
