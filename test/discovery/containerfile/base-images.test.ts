import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Allowance } from '../../../src/discovery/allowance.ts';
import { type BuildOptions, baseImages } from '../../../src/discovery/containerfile/base-images.ts';
import { limitCpu } from '../../support/limit-cpu.ts';
import { holds } from '../../support/property.ts';

/** The images as `image:line`, then the faults as `!code:line`. */
function read(text: string, options: Partial<BuildOptions> = {}): string[] {
  const { images, faults } = baseImages(text, {
    buildArgs: new Map(),
    architecture: 'x86-64',
    allowance: new Allowance(),
    ...options,
  });
  return [
    ...images.map(({ raw, line, platform }) => `${raw}@${line}${platform ? ` ${platform}` : ''}`),
    ...faults.map(({ code, line }) => `!${code}@${line ?? '-'}`),
  ];
}

const args = (values: Record<string, string>) => ({ buildArgs: new Map(Object.entries(values)) });

const cases: readonly [string, string, readonly string[], Partial<BuildOptions>?][] = [
  ['one image', 'FROM alpine:3\nRUN x', ['alpine:3@1']],
  ['scratch is none', 'FROM scratch\nCOPY a /', []],
  ['lower case', 'from alpine as a\nfrom A', ['alpine@1']],
  ['stages that are needed', 'FROM a AS one\nFROM b AS two\nFROM one', ['a@1']],
  ['copied from a stage', 'FROM a AS one\nFROM b\nCOPY --from=ONE /x /', ['a@1', 'b@2']],
  ['copied from a number', 'FROM a\nFROM b\nFROM c\nCOPY --from=0 /x /', ['a@1', 'c@3']],
  ['a number that none has', 'FROM a\nCOPY --from=3 /x /', ['a@1', '!containerfile@2']],
  ['copied from an image', 'FROM a\nCOPY --chown=1 --from=q.io/b:1 /x /', ['a@1', 'q.io/b:1@2']],
  ['mounted', 'FROM a\nRUN --mount=type=bind,from=b,target=/x --network=none c', ['a@1', 'b@2']],
  ['mounted from a stage', 'FROM a AS s\nFROM b\nRUN --mount=from=s,target=/x c', ['a@1', 'b@2']],
  ['--from later on is an argument', 'FROM a\nRUN x --mount=from=b --from=c', ['a@1']],
  ['a stage named as its image', 'FROM alpine AS alpine\nFROM alpine', ['alpine@1']],
  ['the later of two names', 'FROM a AS s\nFROM b AS s\nFROM s', ['b@2']],
  ['unnamed by number', 'FROM a\nFROM 0', ['a@1']],
  ['target', 'FROM a AS one\nFROM b AS two\nFROM c', ['b@2'], { target: 'Two' }],
  ['target by number', 'FROM a\nFROM b', ['a@1'], { target: '0' }],
  ['unknown target', 'FROM a', ['!containerfile@-'], { target: 'x' }],
  ['no stage', '# nothing\n', ['!containerfile@-']],
  ['default of an argument', 'ARG V=3\nFROM alpine:$V', ['alpine:3@2']],
  ['overridden', 'ARG V=3\nFROM alpine:${V}', ['alpine:4@2'], args({ V: '4' })],
  ['passed without a default', 'ARG V\nFROM alpine:$V', ['alpine:4@2'], args({ V: '4' })],
  ['passed but not declared', 'FROM alpine:$V', ['!variable@1'], args({ V: '4' })],
  ['not set', 'ARG V\nFROM alpine:$V', ['!variable@2']],
  ['only a stage needs it', 'FROM alpine:$V AS a\nFROM b', ['b@2']],
  ['default in place', 'FROM alpine:${V:-3}', ['alpine:3@1']],
  ['default for the empty', 'ARG V=\nFROM a:${V:-3}\nCOPY --from=b${V-4} . .', ['a:3@2', 'b4@3']],
  ['alternative', 'ARG V=1\nFROM a${V:+/b}${W:+c}', ['a/b@2']],
  ['nested', 'ARG V=1\nFROM a:${W:-x${X:-$V}}', ['a:x1@2']],
  ['an argument by another', 'ARG A=q.io\nARG B="$A/x" C=\'1\'\nFROM $B:$C', ['q.io/x:1@3']],
  ['empty', 'ARG A=\nFROM $A', ['!containerfile@2']],
  ['a stage has its own', 'ARG V=1\nFROM a:$V\nARG V=2\nCOPY --from=b:$V . .', ['a:1@2', 'b:2@4']],
  ['a stage takes over', 'ARG V=1\nFROM a\nARG V\nCOPY --from=b:$V . .', ['a@2', 'b:1@4']],
  ['a stage does not', 'ARG V=1\nFROM a\nCOPY --from=b:$V . .', ['a@2', '!variable@3']],
  ['one after FROM is not for FROM', 'FROM a\nARG V=2\nFROM b:$V', ['!variable@3']],
  ['platform', 'FROM --platform=$BUILDPLATFORM a', ['a@1 linux/arm64'], { architecture: 'arm64' }],
  ['built in', 'FROM a:$TARGETARCH$TARGETVARIANT-$TARGETOS', ['a:amd64-linux@1']],
  ['built in, ppc', 'FROM a:$TARGETARCH', ['a:ppc64le@1'], { architecture: 'ppc64-le' }],
  ['variant not known', 'FROM a:$TARGETVARIANT', ['!variable@1'], { architecture: 'arm' }],
  ['continued', '\n# c\nFROM \\\n# FROM x\n\n  alpine:3 \\  \n AS a\n', ['alpine:3@3']],
  ['escape directive', '# syntax=x/y\n# escape=`\nFROM `\n a\nRUN x \\\nFROM b', ['b@6']],
  ['no directive later', '#\n# escape=`\nFROM \\\n a', ['a@3']],
  ['here-document', 'FROM a\nRUN <<EOF cat\nFROM b\nEOF\nCOPY --from=c x y', ['a@1', 'c@5']],
  ['with tabs', 'FROM a\nRUN cat <<-"E" > /x\n\tCOPY --from=b x y\n\tE\nFROM c', ['c@5']],
  ['two', 'FROM a\nCOPY <<A <<B /\nFROM b\nA\nFROM c\nB\n', ['a@1']],
  ['without an end', 'FROM a\nRUN <<EOF\nFROM b', ['a@1', '!containerfile@2']],
  ['a shift is none', 'FROM a\nRUN echo $((1<<EOF))\nFROM b', ['b@3']],
  ['in quotes is none', "FROM a\nRUN echo ' <<EOF '\nFROM b", ['b@3']],
  ['ONBUILD is for others', 'FROM a\nONBUILD COPY --from=b x y', ['a@1']],
  ['transport', 'FROM oci:/x/y', ['oci:/x/y@1']],
  ['CRLF and BOM', '\uFEFFFROM a\r\nCOPY --from=b x y\r\n', ['a@1', 'b@2']],
  ['FROM without an image', 'FROM', ['!containerfile@1']],
  ['FROM with too much', 'FROM a b', ['a@1', '!containerfile@1']],
  ['bad form', 'FROM ${a', ['!containerfile@1']],
  [
    'contexts',
    'FROM dir\nCOPY --from=img x y',
    ['q.io/z@2'],
    {
      contexts: new Map([
        ['dir', undefined],
        ['img', 'q.io/z'],
      ]),
    },
  ],
];

for (const [name, text, expected, options] of cases) {
  test(`Containerfile: ${name}`, () =>
    assert.deepEqual(read(text, options).sort(), [...expected].sort()));
}

const piece = fc.constantFrom(
  ...'FROM |ARG A=|$A|${A:-|}| AS a|COPY --from=|a|0| |"|RUN --mount=from=|<<E|`|#|$|\n|\\\n|\nE\n'.split(
    '|',
  ),
);

test('Containerfiles: any text is read without an exception', async (t) => {
  limitCpu(t, 60);
  await holds(
    200,
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      for (const { raw } of baseImages(pieces.join(''), {
        buildArgs: new Map([['A', 'x']]),
        architecture: 'x86-64',
        allowance: new Allowance(),
      }).images) {
        assert.notEqual(raw, '');
      }
    }),
  );
});

for (const [name, text] of Object.entries({
  stages: 'FROM a AS s\nCOPY --from=s x y\n'.repeat(100_000),
  heredocs: `FROM a\n${'RUN <<E\nE\n'.repeat(100_000)}`,
  'heredocs without end': `FROM a\nRUN ${'<<E '.repeat(100_000)}\n`,
  continuations: `FROM a ${'\\\n'.repeat(500_000)}`,
  arguments: `${'ARG A=$A$A\n'.repeat(100)}FROM $A`,
  doubling: `ARG A=xx\n${'ARG A=$A$A\n'.repeat(1000)}FROM $A`,
  braces: `FROM ${'${a:-'.repeat(200_000)}`,
  'closed braces': `FROM ${'${a:-'.repeat(100_000)}${'}'.repeat(100_000)}`,
  'open forms': `FROM ${'${a'.repeat(200_000)}`,
  quotes: `FROM a\nRUN ${'"'.repeat(500_001)}\nFROM b`,
})) {
  test(`Containerfiles: hostile ${name}`, (t) => {
    limitCpu(t, 30);
    assert.ok(read(text).length > 0);
  });
}
