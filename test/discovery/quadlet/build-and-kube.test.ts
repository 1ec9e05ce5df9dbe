import assert from 'node:assert/strict';
import { test } from 'node:test';
import { container, discovered, images, problems, units } from '../../support/tree.ts';

const build = '[Build]\nImageTag=localhost/b\nSetWorkingDirectory=unit\n';

test('the base images of a build count, also for units that use the built image', async (t) => {
  const found = await discovered(t, {
    [`${units}/a.container`]: container('b.build'),
    [`${units}/b.build`]: `${build}BuildArg=V=7\nArch=arm64\nTLSVerify=false\n`,
    [`${units}/Containerfile`]:
      'ARG V=1\nFROM q.io/base:$V AS x\nFROM scratch\nCOPY --from=x / /\n',
  });
  assert.deepEqual(images(found), ['a.service q.io/base:7', 'b-build.service q.io/base:7']);
  const [ofContainer, ofBuild] = found.references;
  assert.equal(ofContainer?.unitPath, `${units}/a.container`);
  assert.equal(ofBuild?.path, `${units}/Containerfile`);
  assert.equal(ofBuild?.line, 2);
  assert.deepEqual(ofBuild?.pull, { policy: 'missing', arch: 'arm64', tlsVerify: false });
  assert.deepEqual(problems(found), [`built-on-host ${units}/a.container:2`]);
  assert.equal(found.problems[0]?.note, true, 'a note does not keep the root from being ready');
});

test('where a build finds its Containerfile', async (t) => {
  const from = (name: string) => `FROM q.io/${name}\n`;
  const found = await discovered(t, {
    [`${units}/a.build`]: '[Build]\nImageTag=a\nFile=/etc/a/Dockerfile.a\n',
    '/etc/a/Dockerfile.a': from('a'),
    [`${units}/b.build`]: '[Build]\nImageTag=b\nSetWorkingDirectory=/etc/b\n',
    '/etc/b/Dockerfile': from('b'),
    [`${units}/c.build`]: '[Build]\nImageTag=c\nFile=c.cf\nSetWorkingDirectory=unit\n',
    [`${units}/c.cf`]: from('c'),
    [`${units}/d.build`]: '[Build]\nImageTag=d\nFile=https://x.io/f\nSetWorkingDirectory=unit\n',
    [`${units}/e.build`]: '[Build]\nImageTag=e\nFile=nowhere\nSetWorkingDirectory=unit\n',
    [`${units}/f.build`]: '[Build]\nImageTag=f\nFile=relative\n',
    [`${units}/g.build`]: '[Build]\nImageTag=g\n',
    [`${units}/h.build`]: '[Build]\nFile=/x\n',
  });
  assert.deepEqual(images(found), [
    'a-build.service q.io/a:latest',
    'b-build.service q.io/b:latest',
    'c-build.service q.io/c:latest',
  ]);
  assert.deepEqual(problems(found), [
    `cited-file ${units}/d.build:3`,
    `cited-file ${units}/e.build:3`,
    `refused ${units}/f.build:3`,
    `refused ${units}/g.build`,
    `refused ${units}/h.build`,
  ]);
});

const pod = (image: string, more = '') =>
  `apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: c\n    image: ${image}\n${more}`;

test('a kube unit may name several YAML files, relative to itself, and each is read by itself', async (t) => {
  const found = await discovered(t, {
    [`${units}/k.kube`]: '[Kube]\nYaml=a.yaml /etc/b.yaml\nYaml=c.yaml\n',
    [`${units}/a.yaml`]: pod('q.io/a'),
    '/etc/b.yaml': pod('q.io/b:1', '    imagePullPolicy: Always\n'),
    [`${units}/c.yaml`]: 'a: [\n',
    [`${units}/m.kube`]: '[Kube]\nYaml=missing.yaml\n',
    [`${units}/n.kube`]: '[Kube]\nConfigMap=x.yaml\n',
  });
  assert.deepEqual(images(found), ['k.service q.io/a:latest', 'k.service q.io/b:1']);
  assert.deepEqual(
    found.references.map(({ path, line, pull }) => `${path}:${line} ${pull.policy}`),
    [`${units}/a.yaml:6 newer`, '/etc/b.yaml:6 always'],
  );
  const codes = problems(found).map((problem) => problem.replace(/:\d+$/, ''));
  assert.deepEqual(codes, [
    'pull-always /etc/b.yaml',
    `yaml ${units}/c.yaml`,
    `cited-file ${units}/m.kube`,
    `refused ${units}/n.kube`,
  ]);
});

test('an image that podman builds from a directory of the same name has base images', async (t) => {
  const found = await discovered(t, {
    [`${units}/k.kube`]: '[Kube]\nYaml=a.yaml\nSetWorkingDirectory=yaml\n',
    [`${units}/a.yaml`]: pod('mine'),
    [`${units}/mine/Containerfile`]: 'FROM q.io/base:1\n',
  });
  assert.deepEqual(images(found), ['k.service q.io/base:1']);
});

test('arguments of build and kube units mean the same as the keys', async (t) => {
  const found = await discovered(t, {
    [`${units}/b.build`]: `${build}BuildArg=V=1\nPull=always\nPodmanArgs=--build-arg=V=9 --authfile /etc/a --build-context other=docker-image://q.io/context\nGlobalArgs=--root=/x\n`,
    [`${units}/Containerfile`]: 'ARG V=0\nFROM q.io/base:$V\nCOPY --from=other / /\n',
    [`${units}/k.kube`]:
      '[Kube]\nYaml=a.yaml\nPodmanArgs=--tls-verify=false --context-dir /etc/c\n',
    [`${units}/a.yaml`]: `${pod('q.io/a:1')}  - name: d\n    image: mine\n`,
    '/etc/c/mine/Containerfile': 'FROM q.io/mine:1\n',
    [`${units}/n.kube`]: '[Kube]\nYaml=a.yaml\nPodmanArgs=--context-dir=/etc/c --build=false\n',
    [`${units}/r.build`]: '[Build]\nImageTag=r\nSetWorkingDirectory=https://x.io/r.git\n',
  });
  assert.deepEqual(images(found), [
    'b-build.service q.io/base:9',
    'b-build.service q.io/context:latest',
    'k.service q.io/mine:1',
    'k.service q.io/a:1',
    'n.service q.io/a:1',
    'n.service docker.io/library/mine:latest',
  ]);
  const [base] = found.references;
  assert.deepEqual(base?.pull, { policy: 'always', authFile: '/etc/a' });
  assert.equal(found.references[3]?.pull.tlsVerify, false);
  assert.deepEqual(problems(found), [
    `pull-always ${units}/b.build:5`,
    `storage-differs ${units}/b.build:7`,
    `cited-file ${units}/r.build:3`,
  ]);
});
