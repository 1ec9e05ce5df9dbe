import assert from 'node:assert/strict';
import { test } from 'node:test';
import { found } from './found.ts';

/** The artifacts and images of one command, as `NAME POLICY CODES`, artifacts with a star. */
async function of(t: Parameters<typeof found>[0], line: string): Promise<string[]> {
  const { references, problems } = await found(t, { 'app.service': line });
  assert.deepEqual(problems, [], line);
  return references.map(({ image, artifact, pull, problems: own }) => {
    const name = `${artifact === true ? '*' : ''}${image ?? '-'}`;
    return [name, pull.policy, ...own.map(({ code }) => code)].join(' ');
  });
}

for (const [line, expected] of Object.entries({
  'ExecStart=podman artifact pull q.io/m:1': ['*q.io/m:1 always pull-always'],
  'ExecStart=-podman artifact pull --quiet --retry 2 q.io/m:1': ['*q.io/m:1 always'],
  'ExecStart=-podman artifact pull m': ['*- always artifact'],
  'ExecStart=podman artifact extract --title a.txt q.io/m:1 /run/m': ['*q.io/m:1 missing'],
  'ExecStart=podman artifact ls': [],
  'ExecStart=podman artifact rm q.io/m:1': [],
  'ExecStart=podman run --mount type=artifact,src=q.io/m:1,dst=/m q.io/a:1 x': [
    '*q.io/m:1 missing',
    'q.io/a:1 missing',
  ],
  'ExecStart=podman run --pull=newer --mount=type=artifact,source=q.io/m:1,dst=/m q.io/a:1': [
    '*q.io/m:1 missing',
    'q.io/a:1 newer',
  ],
  'ExecStart=podman create --mount type=image,src=q.io/i:1,dst=/m q.io/a:1': [
    'q.io/i:1 missing',
    'q.io/a:1 missing',
  ],
})) {
  test(`${line} needs ${expected.join(' and ') || 'nothing'}`, async (t) => {
    assert.deepEqual(await of(t, line), expected);
  });
}
