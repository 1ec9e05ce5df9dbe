import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tarEntries } from '../../../src/common/tar/read.ts';
import { discover } from '../../../src/discovery/discover.ts';
import { ImageRoot } from '../../../src/root/image-root.ts';
import { LayerTree } from '../../../src/root/layer-tree.ts';
import { chunksOf, tar } from '../../support/tar.ts';
import { container, shortNames } from '../../support/tree.ts';

const files: Readonly<Record<string, string>> = {
  'usr/lib/passwd': 'app:x:1001:1001::/home/app:/bin/sh\n',
  'usr/lib/tmpfiles.d/linger.conf': 'f /var/lib/systemd/linger/app\n',
  'usr/bin/docker': '#!/bin/sh\nexec /usr/bin/podman "$@"\n',
  'usr/lib/systemd/system/d.service': '[Service]\nUser=1001\nExecStart=docker run q.io/d:1\n',
  'usr/share/containers/systemd/users/u.container': container('q.io/u'),
};

test('the layers of an image tell the engines as a directory does', async () => {
  const tree = new LayerTree();
  const layer = tar(Object.entries(files).map(([path, content]) => ({ path, content })));
  await tree.apply(tarEntries(chunksOf(layer)));
  const root = new ImageRoot({ tree: tree.root }, 'image:test', 'os');
  const { references, accounts } = await discover(root, { shortNames, architecture: 'x86-64' });
  assert.deepEqual(
    references.map(({ unit, engine }) => [unit, engine]),
    [
      ['d.service', 'podman:app'],
      ['u.service', 'podman:app'],
    ],
  );
  assert.deepEqual(accounts, [{ name: 'app', uid: 1001, home: '/home/app' }]);
});
