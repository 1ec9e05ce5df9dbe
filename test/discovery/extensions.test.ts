import assert from 'node:assert/strict';
import { test } from 'node:test';
import { discovered, images, problems } from '../support/tree.ts';

const wanted = '[Install]\nWantedBy=multi-user.target\n';
const root = {
  '/usr/lib/os-release': 'ID=acme\nVERSION_ID=1\n',
  '/usr/lib/systemd/system/default.target': '-> multi-user.target',
  '/usr/lib/systemd/system/multi-user.target': '[Unit]\n',
  '/usr/share/containers/systemd/a.container': `[Container]\nImage=q.io/of-root:1\n${wanted}`,
};
const released = (path: string, text = 'ID=acme\nVERSION_ID=1\n') => {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const top = path.includes('confexts') ? 'etc' : 'usr/lib';
  return { [`${path}/${top}/extension-release.d/extension-release.${name}`]: text };
};

test('the units of extensions in directories are those of the root', async (t) => {
  const ext = '/var/lib/extensions/app';
  const conf = '/var/lib/confexts/site';
  const found = await discovered(t, {
    ...root,
    ...released(ext),
    [`${ext}/usr/share/containers/systemd/a.container`]: `[Container]\nImage=q.io/of-app:1\n${wanted}`,
    [`${ext}/usr/lib/systemd/system/b.service`]: '[Service]\nExecStart=podman run q.io/b:1\n',
    [`${ext}/usr/lib/systemd/system/multi-user.target.d/10-b.conf`]: '[Unit]\nUpholds=b.service\n',
    ...released(conf),
    [`${conf}/etc/containers/systemd/c.container`]: `[Container]\nImage=q.io/c:\${TAG}\n`,
    [`${conf}/etc/systemd/system/c.service.d/tag.conf`]: '[Service]\nEnvironment=TAG=2\n',
  });
  assert.deepEqual(images(found), [
    'c.service q.io/c:2',
    'b.service q.io/b:1',
    'a.service q.io/of-app:1',
  ]);
  const activations = found.references.map(({ activation }) => activation);
  assert.deepEqual(activations, ['none', 'boot', 'boot']);
  assert.deepEqual(problems(found), []);
});

test('an extension that is not read, or does not fit, is a problem if it may hold units', async (t) => {
  const unit = '[Container]\nImage=q.io/b:1\n';
  const found = await discovered(t, {
    ...root,
    ...released('/var/lib/extensions/old', 'ID=acme\nVERSION_ID=0\n'),
    '/var/lib/extensions/old/usr/share/containers/systemd/b.container': unit,
    '/var/lib/extensions/tools/usr/bin/tool': '',
    '/usr/lib/extensions/k8s.raw': 'x',
    '/etc/extensions/many.v/many_1.raw': 'x',
    '/var/lib/confexts/c/etc/systemd/system/c.service': '[Service]\nExecStart=/bin/true\n',
    '/var/lib/extensions/README': 'x',
  });
  assert.deepEqual(images(found), ['a.service q.io/of-root:1']);
  assert.deepEqual(problems(found), [
    'extension /etc/extensions/many.v',
    'extension /usr/lib/extensions/k8s.raw',
    'extension /var/lib/confexts/c',
    'extension /var/lib/extensions/old',
  ]);
});

test('the units for users in extensions are those of the root', async (t) => {
  const ext = '/var/lib/extensions/home';
  const conf = '/var/lib/confexts/site';
  const found = await discovered(t, {
    ...root,
    '/etc/passwd': 'eve:x:1000:1000::/home/eve:/bin/sh\n',
    '/usr/share/containers/systemd/users/a.container': '[Container]\nImage=q.io/root-a:1\n',
    ...released(ext),
    [`${ext}/usr/share/containers/systemd/users/a.container`]: '[Container]\nImage=q.io/a:1\n',
    [`${ext}/usr/share/containers/systemd/users/1000/b.container`]: '[Container]\nImage=q.io/b:1\n',
    [`${ext}/usr/lib/systemd/user/c.service`]: '[Service]\nExecStart=podman run q.io/c:1\n',
    ...released(conf),
    [`${conf}/etc/containers/systemd/users/d.container`]: '[Container]\nImage=q.io/d:1\n',
    [`${conf}/etc/systemd/user/d.service.d/10.conf`]: '[Unit]\nDescription=d\n',
  });
  const named = found.references.map(({ image, engine }) => `${image} ${engine}`);
  assert.deepEqual(named.toSorted(), [
    'q.io/a:1 podman:eve',
    'q.io/b:1 podman:eve',
    'q.io/c:1 podman:eve',
    'q.io/d:1 podman:eve',
    'q.io/of-root:1 podman',
  ]);
  assert.deepEqual(problems(found), []);
});

test('only services for users in an extension are read, too', async (t) => {
  const ext = '/var/lib/extensions/home';
  const found = await discovered(t, {
    ...root,
    '/etc/passwd': 'eve:x:1000:1000::/home/eve:/bin/sh\n',
    ...released(ext),
    [`${ext}/usr/lib/systemd/user/c.service`]: '[Service]\nExecStart=podman run q.io/c:1\n',
  });
  assert.deepEqual(images(found).toSorted(), ['a.service q.io/of-root:1', 'c.service q.io/c:1']);
});
