import assert from 'node:assert/strict';
import { test } from 'node:test';
import { discovered, problems } from '../support/tree.ts';

test('an extension that may hold units is a problem', async (t) => {
  const found = await discovered(t, {
    '/var/lib/extensions/app/usr/share/containers/systemd/a.container':
      '[Container]\nImage=q.io/a:1\n',
    '/var/lib/extensions/tools/usr/bin/tool': '',
    '/usr/lib/extensions/k8s.raw': 'x',
    '/etc/extensions/many.v/many_1.raw': 'x',
    '/var/lib/confexts/c/etc/systemd/system/c.service': '[Service]\nExecStart=/bin/true\n',
    '/var/lib/extensions/README': 'x',
  });
  assert.deepEqual(problems(found), [
    'extension /etc/extensions/many.v',
    'extension /usr/lib/extensions/k8s.raw',
    'extension /var/lib/confexts/c',
    'extension /var/lib/extensions/app',
  ]);
});
