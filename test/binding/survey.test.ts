import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { bindingsOf } from '../../src/binding/bindings.ts';
import { survey } from '../../src/binding/survey.ts';
import { formatPlatform, hostPlatform } from '../../src/image/platform.ts';
import { rootOf, type Tree, units } from '../support/tree.ts';

/** The start of a program for s390x: 64 bits, the greater byte first. */
const s390x = Buffer.alloc(64);
s390x.write('\x7fELF\x02\x02', 'latin1');
s390x.writeUInt16BE(22, 18);

async function platformsOf(t: TestContext, more: Tree): Promise<readonly string[]> {
  const root = rootOf(t, {
    '/etc/hostname': 'x',
    [`${units}/a.container`]: '[Container]\nImage=quay.io/acme/a:%a\n',
    [`${units}/b.image`]: '[Image]\nImage=quay.io/acme/b:1\nArch=arm64\n',
    ...more,
  });
  const found = await survey(root, { bind: 'all', compose: [] });
  return [
    formatPlatform(found.platform),
    ...bindingsOf(found, root, 'bound').bindings.map(
      ({ name, platform }) => `${name} ${formatPlatform(platform)}`,
    ),
  ];
}

test('images are for the root’s platform unless a unit names another', async (t) => {
  assert.deepEqual(await platformsOf(t, { '/usr/lib/systemd/systemd': s390x }), [
    'linux/s390x',
    'quay.io/acme/a:s390x linux/s390x',
    'quay.io/acme/b:1 linux/arm64',
  ]);
});

test('without a known program the root has this machine’s platform', async (t) => {
  const [own] = await platformsOf(t, { '/usr/lib/systemd/systemd': '#!/bin/sh\n' });
  assert.equal(own, formatPlatform(hostPlatform()));
});
