import assert from 'node:assert/strict';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { Effort } from '../../../../src/registry/policy/effort.ts';
import { judgeOpenpgp } from '../../../../src/registry/policy/openpgp/judge.ts';
import type { SignedBy } from '../../../../src/registry/policy/requirement.ts';
import { Verdicts } from '../../../../src/registry/policy/verdicts.ts';
import { startGpg, statement } from '../../../support/gpg.ts';
import { skipPodman } from '../../../support/podman.ts';
import { temporaryDirectory } from '../../../support/temporary.ts';

const options = { skip: skipPodman };
const manifest = `sha256:${'a'.repeat(64)}`;

/** A key, and a gpg that counts how often it runs. */
function site(t: TestContext) {
  const gpg = startGpg(t);
  gpg.key('a');
  gpg.key('b');
  const directory = temporaryDirectory(t);
  const [program, runs] = [join(directory, 'gpg'), join(directory, 'runs')];
  const gpgThat = (does: string) => `#!/bin/sh\necho >>${runs}\n${does}\nexec gpg "$@"\n`;
  writeFileSync(program, gpgThat(''));
  chmodSync(program, 0o755);
  writeFileSync(runs, '');
  const requirement: SignedBy = {
    type: 'signedBy',
    keyType: 'GPGKeys',
    keyData: gpg.public('a'),
    signedIdentity: { type: 'matchRepository' },
  };
  const verdicts = new Verdicts();
  const effort = new Effort(10);
  const sign = (key: string, name: string) => ({
    kind: 'openpgp' as const,
    message: gpg.sign(key, JSON.stringify(statement(name, manifest))),
  });
  return {
    sign,
    /** From now on gpg does something else when it is given a message. */
    broken: (does: string) =>
      writeFileSync(program, gpgThat(`case "$*" in *--output*) ${does} ;; esac`)),
    mended: () => writeFileSync(program, gpgThat('')),
    runs: () => readFileSync(runs).length,
    judge: (name: string, signatures: readonly ReturnType<typeof sign>[]) => {
      const judged = { name, manifest, readKeyFile: () => 'none', signal: undefined };
      const command = ['/bin/sh', program] as const;
      return judgeOpenpgp(requirement, judged, signatures, { command, verdicts, effort });
    },
  };
}

test(
  'gpg runs once for a message and its keys, whatever the names of the image',
  options,
  async (t) => {
    const { sign, runs, judge } = site(t);
    const [strange, right] = [sign('b', 'q.io/a:1'), sign('a', 'q.io/a:1')];
    for (let tag = 0; tag < 20; tag++) {
      assert.equal(await judge(`q.io/a:${tag}`, [strange, right]), undefined);
    }
    assert.equal(runs(), 3, 'the import of the key, and two messages');
    const [first, second, ...rest] = (await judge('q.io/other:1', [strange, right])) ?? [];
    assert.match(`${first}`, /another key/);
    assert.match(`${second}`, /q\.io\/a/);
    assert.deepEqual(rest, []);
    assert.equal(runs(), 3, 'the same verdicts');
    const fresh = sign('a', 'q.io/b:1');
    assert.equal(await judge('q.io/b:1', [strange, right, fresh]), undefined);
    assert.equal(runs(), 5);
  },
);

test('a gpg that was killed is asked again about the message', options, async (t) => {
  const { sign, judge, broken, mended } = site(t);
  const right = sign('a', 'q.io/a:1');
  broken('kill -9 $$');
  assert.match((await judge('q.io/a:1', [right]))?.join() ?? '', /did not end/);
  mended();
  assert.equal(await judge('q.io/a:1', [right]), undefined);
});

test(
  'worthless signatures of all images together keep gpg busy only so long',
  options,
  async (t) => {
    const { sign, runs, judge } = site(t);
    const right = sign('a', 'q.io/a:1');
    const junk = Array.from({ length: 30 }, (_, index) => ({
      kind: 'openpgp' as const,
      message: Buffer.from(`junk ${index}`),
    }));
    for (const at of [0, 3, 6]) {
      assert.equal((await judge('q.io/a:1', junk.slice(at, at + 3)))?.length, 3);
    }
    await assert.rejects(judge('q.io/a:1', junk.slice(9)), {
      code: 'policy-rejected',
      message: /^q\.io\/a:1: expected at most 10 refused signatures/,
    });
    const before = runs();
    await assert.rejects(judge('q.io/a:1', [right]), { code: 'policy-rejected' });
    assert.equal(runs(), before + 1, 'the import of the key');
  },
);
