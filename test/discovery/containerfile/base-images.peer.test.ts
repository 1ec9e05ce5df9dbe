import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { Allowance } from '../../../src/discovery/allowance.ts';
import { baseImages } from '../../../src/discovery/containerfile/base-images.ts';
import { holds } from '../../support/property.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const image = fc.constantFrom(
  'localhost/i0:$V',
  'localhost/i1:${V}',
  'localhost/i$N:1',
  'localhost/i${U:-3}:1',
  '"localhost/i0:1"',
  'localhost/i${V:+4}:$N',
  'localhost/i1:${E:-$V}',
  'scratch',
);
const stage = fc.record({
  image,
  base: fc.option(fc.nat(3), { freq: 2 }),
  copies: fc.array(fc.oneof(fc.nat(3), image), { maxLength: 2 }),
  continued: fc.boolean(),
});

interface Stage {
  readonly image: string;
  readonly base: number | null;
  readonly copies: readonly (number | string)[];
  readonly continued: boolean;
}

function fileOf(stages: readonly Stage[]): string {
  const parts = stages.map(({ image: own, base, copies, continued }, i) => {
    const earlier = (n: number) => `s${Math.min(n, i - 1)}`;
    const from = base === null || i === 0 ? own : earlier(base);
    const begin = continued ? 'FROM \\\n# FROM no\n\n  ' : 'from ';
    const lines = copies
      .filter((copy) => (typeof copy === 'number' ? i > 0 : copy !== 'scratch'))
      .map((copy) => `COPY --from=${typeof copy === 'number' ? earlier(copy) : copy} /f /g\n`);
    return `${begin}${from} AS s${i}\nARG V\nARG N\nARG E\nCOPY f /f\n${lines.join('')}`;
  });
  return `ARG V=1\nARG N\nARG E=\n${parts.join('')}`;
}

test('Containerfiles: the images are exactly those that buildah needs', async (t) => {
  const directory = temporaryDirectory(t);
  const file = join(directory, 'Containerfile');
  writeFileSync(join(directory, 'f'), 'x');
  mkdirSync(join(directory, 'run'));
  const buildah = (...args: string[]) =>
    spawnSync(
      'buildah',
      ['--root', join(directory, 'store'), '--runroot', join(directory, 'run')].concat(
        ['--storage-driver', 'vfs'],
        args,
      ),
      { cwd: directory, encoding: 'utf8' },
    );
  const build = (...args: string[]) => {
    const never = ['build', '--pull-never', '--isolation', 'chroot', '--build-arg', 'N=2'];
    return buildah(...never, '-f', file, ...args, '.');
  };
  writeFileSync(file, 'FROM scratch\nCOPY f /f\n');
  const { status, stderr } = build('-t', 'localhost/keep:1');
  assert.equal(status, 0, stderr);
  const options = {
    buildArgs: new Map([['N', '2']]),
    architecture: 'x86-64',
    allowance: new Allowance(),
  };
  await holds(
    3,
    fc.asyncProperty(fc.array(stage, { minLength: 1, maxLength: 4 }), async (stages) => {
      const text = fileOf(stages);
      writeFileSync(file, text);
      const { images, faults } = baseImages(text, options);
      assert.deepEqual(faults, []);
      const names = [...new Set(images.map(({ raw }) => raw))];
      for (const name of names) assert.equal(buildah('tag', 'localhost/keep:1', name).status, 0);
      const whole = build();
      assert.equal(whole.status, 0, `${text}\n${whole.stderr}`);
      for (const name of names) {
        assert.equal(buildah('rmi', name).status, 0);
        assert.notEqual(build('--no-cache').status, 0, `${name} is not needed by\n${text}`);
        assert.equal(buildah('tag', 'localhost/keep:1', name).status, 0);
      }
      for (const name of names) buildah('rmi', name);
    }),
  );
});
