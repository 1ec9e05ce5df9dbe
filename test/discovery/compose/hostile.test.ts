import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limitCpu } from '../../support/limit-cpu.ts';
import { holds } from '../../support/property.ts';
import { read } from './projects.ts';

const piece = fc.constantFrom(
  ...'services:\n|  a:\n|  b: |    image: x\n|    build: .\n|    extends: a\n|    extends: {service: b, file: compose.yaml}\n|include: [compose.yaml]\n|&a |*a|<<: |[|]|{|}|: |- |$A|${A:-|}|"|!reset |\n|\u0000|---\n'.split(
    '|',
  ),
);

test('Compose: any text is read without an exception', async (t) => {
  limitCpu(t, 120);
  await holds(
    80,
    fc.asyncProperty(fc.array(piece, { maxLength: 40 }), async (pieces) => {
      await read(t, {
        '/c/compose.yaml': pieces.join(''),
        '/c/.env': pieces.toReversed().join('='),
        '/c/Dockerfile': 'FROM x',
      });
    }),
  );
});

const range = (length: number, line: (i: number) => string) =>
  Array.from({ length }, (_, i) => line(i)).join('\n');

for (const [name, text] of Object.entries({
  lines: `services:\n${range(33_000, (i) => `  a${i}:\n    image: x\n`)}`,
  brackets: `a: ${'['.repeat(500_000)}`,
  'a bomb': `a0: &a0 {image: x}\n${range(1000, (i) => `a${i + 1}: &a${i + 1} {p: *a${i}, q: *a${i}}`)}\nservices: *a1000`,
  'merges of merges': `a0: &a0 {k0: x}\n${range(9000, (i) => `a${i + 1}: &a${i + 1} {<<: [*a${i}, *a${i}], k${i + 1}: x}`)}\nservices: *a9000`,
  'a map in itself': 'services: &s\n  <<: *s\n  a: *s\n  b: {extends: b}\n',
  'a long chain': `services:\n${range(20_000, (i) => `  a${i}: {extends: a${i + 1}}`)}`,
  'itself twice': `include: [compose.yaml, compose.yaml]\nservices: {a: {image: x}}\n`,
})) {
  test(`Compose: hostile ${name}`, async (t) => {
    limitCpu(t, 60);
    const found = await read(t, { '/c/compose.yaml': text });
    assert.ok(found.references.length + found.problems.length > 0);
  });
}
