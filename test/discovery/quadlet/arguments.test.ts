import assert from 'node:assert/strict';
import { test } from 'node:test';
import { container, discovered, images, problems, units } from '../../support/tree.ts';

/** Lines of a container unit with the expected result: `PULL-OPTIONS-AS-JSON | problem codes`. */
const lines: Record<string, [object, ...string[]]> = {
  'PodmanArgs=--authfile /etc/a': [{ authFile: '/etc/a' }],
  'PodmanArgs=--tls-verify=false': [{ tlsVerify: false }],
  'PodmanArgs=--arch arm64': [{ arch: 'arm64' }],
  'PodmanArgs=--os=linux': [{ os: 'linux' }],
  'PodmanArgs=--platform=linux/arm64': [{ os: 'linux', arch: 'arm64' }],
  'PodmanArgs=--pull=always': [{ policy: 'always' }, 'pull-always'],
  'PodmanArgs="--pull=always"': [{ policy: 'always' }, 'pull-always'],
  'PodmanArgs=--init \\\n  --pull always': [{ policy: 'always' }, 'pull-always'],
  'Pull=always\nPodmanArgs=--pull=never': [{ policy: 'never' }],
  'PodmanArgs=--decryption-key=/x': [{}, 'unsupported-option'],
  'PodmanArgs=q.io/other': [{}, 'command-line'],
  'PodmanArgs=--init -- q.io/other': [{}, 'command-line'],
  'PodmanArgs=--no-such-option x': [{}, 'command-line'],
  'GlobalArgs=--root=/srv/storage': [{}, 'storage-differs'],
  'GlobalArgs=--storage-driver vfs': [{}, 'storage-differs'],
  'PodmanArgs=--pull=always\nPodmanArgs=': [{}],
  'PodmanArgs=--memory 1g': [{}],
  'PodmanArgs=--label pull=--pull-x': [{}],
  'Mount=type=bind,source=/image,target=/x': [{}],
  'GlobalArgs=--log-level=debug': [{}],
  'GlobalArgs=--storage-opt=additionalimagestore=/a,/b': [{ additionalStores: ['/a', '/b'] }],
  'GlobalArgs=--storage-opt overlay.imagestore=/a --log-level=debug': [
    { additionalStores: ['/a'] },
  ],
  'GlobalArgs=--storage-opt\nGlobalArgs=.AdditionalImageStore=/%p': [{ additionalStores: ['/a'] }],
  'PodmanArgs=--storage-opt=additionalimagestore=/a': [{ additionalStores: ['/a'] }],
  'GlobalArgs=--storage-opt=additionalimagestore=a': [
    { additionalStores: ['a'] },
    'invalid-option',
  ],
  'GlobalArgs=--storage-opt=additionalimagestore=/%H': [{}, 'specifier'],
  'GlobalArgs=--storage-opt=overlay.mountopt=nodev': [{ additionalStores: [] }],
  'GlobalArgs=--runroot /run/x': [{}, 'storage-differs'],
  'GlobalArgs=--no-such-option': [{}, 'command-line'],
  'GlobalArgs=--remote=false': [{}],
  'GlobalArgs=--module none.conf': [{}, 'cited-file'],
  'ContainersConfModule=none.conf': [{}, 'cited-file'],
  'ContainersConfModule=/etc/plain.conf': [{}],
  'ContainersConfModule=remote.conf': [{}, 'storage-differs'],
  'ContainersConfModule=env.conf': [{}, 'storage-differs'],
  '[Service]\nEnvironment=A=1 "STORAGE_OPTS=additionalimagestore=/a"': [{}, 'storage-differs'],
  '[Service]\nEnvironment=MY_STORAGE_OPTS=1': [{}],
  'Volume=x.image:/x': [{}],
};

for (const [line, [pull, ...codes]] of Object.entries(lines)) {
  test(`${JSON.stringify(line)} is understood`, async (t) => {
    const found = await discovered(t, {
      [`${units}/a.container`]: `${container('q.io/a')}${line}\n`,
      '/etc/plain.conf': '# remote = true\n[containers]\nlog_size_max = 8192\n',
      '/etc/containers/containers.conf.modules/remote.conf': '[engine]\nremote = true\n',
      '/usr/share/containers/containers.conf.modules/env.conf':
        '[engine]\nenv = ["CONTAINERS_STORAGE_CONF=/x"]\n',
    });
    assert.deepEqual(images(found), ['a.service q.io/a:latest']);
    assert.deepEqual(found.references[0]?.pull, { policy: 'missing', ...pull });
    assert.deepEqual(
      problems(found).map((problem) => problem.split(' ')[0]),
      codes,
    );
    const all = [...found.problems, ...(found.references[0]?.problems ?? [])];
    for (const problem of all) assert.equal(problem.subject?.unit, 'a.service');
  });
}

for (const line of [
  'PodmanArgs=--mount type=image,source=q.io/x,target=/x',
  'Mount=type=image,source=q.io/x,target=/x',
  'Mount="type=image",src=q.io/x,target=/x',
  'Mount=type=image,source=x.image,target=/x',
]) {
  test(`${line} names another image`, async (t) => {
    const found = await discovered(t, {
      [`${units}/a.container`]: `${container('q.io/a')}${line}\n`,
      [`${units}/x.image`]: '[Image]\nImage=q.io/x\nPolicy=missing\n',
    });
    assert.deepEqual(images(found), [
      'a.service q.io/a:latest',
      'a.service q.io/x:latest',
      'x-image.service q.io/x:latest',
    ]);
    assert.deepEqual(problems(found), []);
  });
}

test('a container with a root file system has no image of its own, but may mount images', async (t) => {
  const found = await discovered(t, {
    [`${units}/a.container`]: '[Container]\nRootfs=/srv/a\n',
    [`${units}/b.container`]:
      '[Container]\nRootfs=/srv/b\nMount=type=image,source=q.io/x,target=/x\n',
  });
  assert.deepEqual(images(found), ['b.service q.io/x:latest']);
  assert.deepEqual(problems(found), []);
});

test('the infra image of a pod is found', async (t) => {
  const found = await discovered(t, {
    [`${units}/d.network`]: '[Network]\n',
    [`${units}/e.pod`]: '[Pod]\n',
    [`${units}/f.pod`]: '[Pod]\nPodmanArgs=--share=net --infra-image q.io/f\n',
    [`${units}/g.pod`]: '[Pod]\nPodmanArgs=--infra-image=q.io/g\n',
  });
  assert.deepEqual(images(found), ['f-pod.service q.io/f:latest', 'g-pod.service q.io/g:latest']);
  assert.deepEqual(problems(found), []);
});

test('the stores in storage.conf count for every podman of the system without stores of its own', async (t) => {
  const stores = (path: string) => `[storage.options]\nadditionalimagestores = ["${path}"]\n`;
  const found = await discovered(t, {
    '/usr/share/containers/storage.conf': stores('/vendor'),
    '/etc/containers/storage.conf': stores('/conf'),
    [`${units}/a.container`]: container('q.io/a'),
    [`${units}/b.container`]: `${container('q.io/b')}GlobalArgs=--storage-opt=imagestore=/b\n`,
    [`${units}/c.container`]: `${container('q.io/c')}GlobalArgs=--storage-opt=mountopt=nodev\n`,
    [`${units}/d.container`]: `${container('x.build')}GlobalArgs=--storage-opt=imagestore=/d\n`,
    [`${units}/x.build`]: '[Build]\nImageTag=x\nSetWorkingDirectory=unit\n',
    [`${units}/Containerfile`]: 'FROM q.io/base\n',
    '/etc/systemd/system/p.service': '[Service]\nExecStart=podman run q.io/p\n',
    '/etc/systemd/system/q.service': '[Service]\nExecStart=docker run q.io/q\n',
    '/etc/containers/systemd/users/u.container': container('q.io/u'),
  });
  const seen = found.references.map(({ unit, pull }) => [unit, pull.additionalStores]);
  assert.deepEqual(Object.fromEntries(seen), {
    'a.service': ['/conf'],
    'b.service': ['/b'],
    'c.service': [],
    'd.service': ['/conf'],
    'x-build.service': ['/conf'],
    'p.service': ['/conf'],
    'q.service': undefined,
    'u.service': undefined,
  });
});
