import assert from 'node:assert/strict';
import test from 'node:test';
import { mayBecome } from '../../../../src/engine/podman/user/become.ts';

for (const [what, capabilities, noNewPrivileges, expected] of [
  ['root', '000001ffffffffff', 0, true],
  ['only setuid and setgid', '00000000000000c0', 0, true],
  ['only setuid', '0000000000000080', 0, false],
  ['nobody', '0000000000000000', 0, false],
  ['root in a sandbox', '000001ffffffffff', 1, false],
] as const) {
  test(`whether a process may become a user: ${what}`, () => {
    const status = `Name:\tberth\nCapPrm:\t000001ffffffffff\nCapEff:\t${capabilities}\nNoNewPrivs:\t${noNewPrivileges}\n`;
    assert.equal(mayBecome(status), expected);
  });
}

test('a status that berth does not understand allows nothing', () => {
  assert.equal(mayBecome(''), false);
});
