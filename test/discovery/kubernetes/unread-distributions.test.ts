import assert from 'node:assert/strict';
import { test } from 'node:test';
import { discovered } from '../../support/tree.ts';

test('a distribution that is not read is a problem of its service', async (t) => {
  const unit = '/etc/systemd/system/k0scontroller.service';
  const { problems } = await discovered(t, {
    '/etc/os-release': 'ID=x\n',
    [unit]: '[Service]\nExecStart=/usr/local/bin/k0s controller --single\n',
  });
  assert.deepEqual(
    problems.map(({ code, path, line, subject }) => [code, path, line, subject?.unit]),
    [['kube-unread', unit, 2, 'k0scontroller.service']],
  );
});
