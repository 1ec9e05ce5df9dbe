import assert from 'node:assert/strict';
import { test } from 'node:test';
import { container, discovered, images, problems, units } from '../tree.ts';

test('types that are not read yet are said, those without images are not', async (t) => {
  const found = await discovered(t, {
    [`${units}/a.kube`]: '[Kube]\nYaml=a.yaml\n',
    [`${units}/b.build`]: '[Build]\nImageTag=localhost/b\nFile=/x\n',
    [`${units}/c.artifact`]: '[Artifact]\nArtifact=q.io/c\n',
    [`${units}/d.network`]: '[Network]\n',
    [`${units}/e.pod`]: '[Pod]\n',
    [`${units}/f.pod`]: '[Pod]\nPodmanArgs=--infra-image q.io/pause\n',
    [`${units}/g.pod`]: '[Pod]\nPodmanArgs=--infra-image=q.io/pause\n',
  });
  assert.deepEqual(problems(found), [
    `not-read-yet ${units}/a.kube`,
    `not-read-yet ${units}/b.build`,
    `not-read-yet ${units}/c.artifact`,
    `not-read-yet ${units}/f.pod:2`,
    `not-read-yet ${units}/g.pod:2`,
  ]);
  assert.deepEqual(
    found.problems.map(({ subject }) => subject?.unit),
    ['a.service', 'b-build.service', 'c-artifact.service', 'f-pod.service', 'g-pod.service'],
  );
});

test('a container from a build is a reference without an image', async (t) => {
  const found = await discovered(t, {
    [`${units}/a.container`]: container('b.build'),
    [`${units}/b.build`]: '[Build]\nImageTag=localhost/b\nFile=/x\n',
  });
  assert.deepEqual(images(found), ['a.service -']);
  assert.deepEqual(problems(found), [
    `not-read-yet ${units}/a.container:2`,
    `not-read-yet ${units}/b.build`,
  ]);
});

const hidden: Record<string, boolean> = {
  'PodmanArgs=--authfile /etc/a': true,
  'PodmanArgs=--creds=a:b': true,
  'PodmanArgs=--tls-verify=false': true,
  'PodmanArgs=--arch arm64': true,
  'PodmanArgs=--os=linux': true,
  'PodmanArgs=--platform=linux/arm64': true,
  'PodmanArgs=--variant=v7': true,
  'PodmanArgs=--cert-dir=/x': true,
  'PodmanArgs=--decryption-key=/x': true,
  'PodmanArgs=--pull=always': true,
  'PodmanArgs="--pull=always"': true,
  'PodmanArgs=--init \\\n  --pull always': true,
  'PodmanArgs=q.io/other': true,
  'PodmanArgs=--init -- q.io/other': true,
  'PodmanArgs=--mount type=image,source=q.io/x,target=/x': true,
  'PodmanArgs=--mount=type=artifact,source=q.io/x,target=/x': true,
  'Mount=type=image,source=q.io/x,target=/x': true,
  'Mount="type=image",source=q.io/x,target=/x': true,
  'Mount=source=q.io/x,type=artifact,target=/x': true,
  'GlobalArgs=--root=/srv/storage': true,
  'GlobalArgs=--storage-driver vfs': true,
  'PodmanArgs=--pull=always\nPodmanArgs=': false,
  'PodmanArgs=--memory 1g': false,
  'PodmanArgs=--label pull=--pull-x': false,
  'Mount=type=bind,source=/image,target=/x': false,
  'GlobalArgs=--log-level=debug': false,
  'Volume=x.image:/x': false,
};

for (const [line, expected] of Object.entries(hidden)) {
  test(`${JSON.stringify(line)} ${expected ? 'is a problem' : 'is none'}`, async (t) => {
    const found = await discovered(t, {
      [`${units}/a.container`]: `${container('q.io/a')}${line}\n`,
    });
    assert.deepEqual(images(found), ['a.service q.io/a:latest']);
    assert.deepEqual(problems(found), expected ? [`not-read-yet ${units}/a.container:3`] : []);
    const all = [...found.problems, ...(found.references[0]?.problems ?? [])];
    for (const problem of all) assert.equal(problem.subject?.unit, 'a.service');
  });
}

test('a root file system has no image, but may have others', async (t) => {
  const found = await discovered(t, {
    [`${units}/a.container`]: '[Container]\nRootfs=/srv/a\n',
    [`${units}/b.container`]:
      '[Container]\nRootfs=/srv/b\nMount=type=image,source=q.io/x,target=/x\n',
  });
  assert.deepEqual(images(found), []);
  assert.deepEqual(problems(found), [`not-read-yet ${units}/b.container:3`]);
});
