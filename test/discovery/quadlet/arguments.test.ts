import assert from 'node:assert/strict';
import { test } from 'node:test';
import { container, discovered, images, problems, units } from '../tree.ts';

/** A line of a container, and what comes of it: `PULL-OPTIONS-AS-JSON | problem codes`. */
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
  'PodmanArgs=--mount=type=artifact,source=q.io/x,target=/x': [{}, 'artifact'],
  'Mount=source=q.io/x,type=artifact,target=/x': [{}, 'artifact'],
  'GlobalArgs=--root=/srv/storage': [{}, 'storage-differs'],
  'GlobalArgs=--storage-driver vfs': [{}, 'storage-differs'],
  'PodmanArgs=--pull=always\nPodmanArgs=': [{}],
  'PodmanArgs=--memory 1g': [{}],
  'PodmanArgs=--label pull=--pull-x': [{}],
  'Mount=type=bind,source=/image,target=/x': [{}],
  'GlobalArgs=--log-level=debug': [{}],
  'Volume=x.image:/x': [{}],
};

for (const [line, [pull, ...codes]] of Object.entries(lines)) {
  test(`${JSON.stringify(line)} is understood`, async (t) => {
    const found = await discovered(t, {
      [`${units}/a.container`]: `${container('q.io/a')}${line}\n`,
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

test('a root file system has no image, but may have others', async (t) => {
  const found = await discovered(t, {
    [`${units}/a.container`]: '[Container]\nRootfs=/srv/a\n',
    [`${units}/b.container`]:
      '[Container]\nRootfs=/srv/b\nMount=type=image,source=q.io/x,target=/x\n',
  });
  assert.deepEqual(images(found), ['b.service q.io/x:latest']);
  assert.deepEqual(problems(found), []);
});

test('the infra image of a pod; an artifact is no image', async (t) => {
  const found = await discovered(t, {
    [`${units}/c.artifact`]: '[Artifact]\nArtifact=q.io/c\n',
    [`${units}/d.network`]: '[Network]\n',
    [`${units}/e.pod`]: '[Pod]\n',
    [`${units}/f.pod`]: '[Pod]\nPodmanArgs=--share=net --infra-image q.io/f\n',
    [`${units}/g.pod`]: '[Pod]\nPodmanArgs=--infra-image=q.io/g\n',
  });
  assert.deepEqual(images(found), ['f-pod.service q.io/f:latest', 'g-pod.service q.io/g:latest']);
  assert.deepEqual(problems(found), [`artifact ${units}/c.artifact:2`]);
});
