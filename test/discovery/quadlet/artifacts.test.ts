import assert from 'node:assert/strict';
import { test } from 'node:test';
import { container, discovered, type Tree, units } from '../../support/tree.ts';

const dropIn = '[Service]\nExecCondition=/usr/bin/berth activate --pull-needed %n\n';
const berths = { [`${units}/artifact.d/10-berth.conf`]: dropIn };
const digest = `sha256:${'a'.repeat(64)}`;

/** Each reference as `UNIT KEY NAME POLICY CODES`, artifacts with a star. */
async function found(t: Parameters<typeof discovered>[0], tree: Tree): Promise<string[]> {
  const { references, problems } = await discovered(t, tree);
  const said = references.map(({ unit, key, image, artifact, pull, problems: own }) =>
    [
      unit,
      key,
      `${artifact === true ? '*' : ''}${image ?? '-'}`,
      pull.policy,
      ...own.map(({ code }) => code),
    ].join(' '),
  );
  return [...said, ...problems.map(({ code, path }) => `${code} ${path.replace(/^.*\//, '')}`)];
}

const own = (name: string) => ({ [`${units}/m.artifact`]: `[Artifact]\nArtifact=${name}\n` });

for (const [name, expected] of Object.entries({
  'q.io/m:1': '*q.io/m:1 always',
  [`q.io/m@${digest}`]: `*q.io/m@${digest} always`,
  'q.io/%p/m:1': '*q.io/m-artifact/m:1 always',
  'q.io/m': '*- always artifact',
  'm:1': '*- always artifact',
  'docker.io/m:1': '*- always artifact',
  'docker://q.io/m:1': '*- always artifact',
  [`q.io/m:1@${digest}`]: '*- always artifact',
  'q.io/M:1': '*- always image-name',
  'oci:/srv/m': '*- always transport',
  [digest]: '*- always image-id',
  'q.io/%H:1': '*- always specifier',
})) {
  test(`Artifact=${name} is ${expected}`, async (t) => {
    const tree = { ...own(name), ...berths };
    assert.deepEqual(await found(t, tree), [`m-artifact.service Artifact ${expected}`]);
  });
}

test('a .artifact unit pulls at every start, unless it asks berth first', async (t) => {
  const line = 'm-artifact.service Artifact *q.io/m:1 always';
  assert.deepEqual(await found(t, own('q.io/m:1')), [`${line} pull-always`]);
  assert.deepEqual(await found(t, { ...own('q.io/m:1'), ...berths }), [line]);
});

test('the keys and arguments of a .artifact unit say how it pulls', async (t) => {
  const text =
    '[Artifact]\nArtifact=q.io/m:1\nAuthFile=/etc/a.json\nTLSVerify=no\nRetry=2\nPodmanArgs=--retry-delay 5s\n';
  const { references } = await discovered(t, { [`${units}/m.artifact`]: text, ...berths });
  assert.deepEqual(references[0]?.pull, {
    policy: 'always',
    authFile: '/etc/a.json',
    tlsVerify: false,
    retry: 2,
    retryDelay: '5s',
  });
});

test('options that the API does not take are said', async (t) => {
  const text = (line: string) => ({
    [`${units}/m.artifact`]: `[Artifact]\nArtifact=q.io/m:1\n${line}\n`,
    ...berths,
  });
  for (const [line, code] of Object.entries({
    'CertDir=/c': 'unsupported-option',
    'DecryptionKey=/k': 'unsupported-option',
    'PodmanArgs=--cert-dir /c': 'unsupported-option',
    'PodmanArgs=q.io/other:1': 'command-line',
    'GlobalArgs=--root=/srv': 'storage-differs m.artifact',
  })) {
    const all = (await found(t, text(line))).join('\n');
    assert.ok(all.includes(code), `${line}: ${all}`);
  }
});

for (const [mount, expected] of Object.entries({
  'Mount=type=artifact,source=m.artifact,destination=/m': ['Mount *q.io/m:1 missing'],
  'Mount=type=artifact,src=q.io/n:2,dst=/n,title=a.txt': ['Mount *q.io/n:2 missing'],
  'Mount=destination=/m,source=q.io/n:2,type=artifact': ['Mount *q.io/n:2 missing'],
  'PodmanArgs=--mount=type=artifact,src=q.io/n:2,dst=/n': ['PodmanArgs *q.io/n:2 missing'],
  'Mount=type=artifact,source=q.io/n,destination=/m': ['Mount *- missing artifact'],
  'Mount=type=bind,source=/n,destination=/m': [],
})) {
  test(`a container with ${mount} needs the artifact`, async (t) => {
    const tree = {
      [`${units}/a.container`]: `${container('q.io/a:1')}${mount}\n`,
      ...own('q.io/m:1'),
      ...berths,
    };
    assert.deepEqual(await found(t, tree), [
      'a.service Image q.io/a:1 missing',
      ...expected.map((line) => `a.service ${line}`),
      'm-artifact.service Artifact *q.io/m:1 always',
    ]);
  });
}

test('a mount takes the access of the .artifact unit, and not its pull at every start', async (t) => {
  const { references } = await discovered(t, {
    [`${units}/a.container`]: `${container('q.io/a:1')}Mount=type=artifact,source=m.artifact,destination=/m\n`,
    [`${units}/m.artifact`]: '[Artifact]\nArtifact=q.io/m:1\nAuthFile=/etc/a.json\n',
  });
  const mounted = references.find(({ key }) => key === 'Mount');
  assert.deepEqual(mounted?.pull, { policy: 'missing', authFile: '/etc/a.json' });
  assert.equal(mounted?.imageService, 'm-artifact.service');
  assert.deepEqual(mounted?.problems, []);
});

test('a mount without a source, or of a missing unit, is refused', async (t) => {
  for (const mount of ['destination=/m', 'source=,destination=/m', 'source=no.artifact']) {
    const tree = {
      [`${units}/a.container`]: `${container('q.io/a')}Mount=type=artifact,${mount}\n`,
    };
    assert.deepEqual(await found(t, tree), ['refused a.container'], mount);
  }
});
