import assert from 'node:assert/strict';
import { test } from 'node:test';
import { globMatches } from '../../src/binding/glob.ts';
import { paxRecords } from '../../src/common/tar/pax-records.ts';
import { tarEntries } from '../../src/common/tar/read.ts';
import { linesOfKeys } from '../../src/common/toml-line.ts';
import { parseKeyFile } from '../../src/deployment/origin.ts';
import { Allowance } from '../../src/discovery/allowance.ts';
import { readEnvFile, refusedLine } from '../../src/discovery/compose/env-file.ts';
import { interpolate } from '../../src/discovery/compose/interpolate.ts';
import { readYamlValues } from '../../src/discovery/compose/yaml-value.ts';
import { baseImages } from '../../src/discovery/containerfile/base-images.ts';
import { jobsOf } from '../../src/discovery/jobs/crontab.ts';
import { readDocuments } from '../../src/discovery/kubernetes/documents.ts';
import { startsUnknown } from '../../src/discovery/services/mentions.ts';
import { callsInScript } from '../../src/discovery/services/scripts/calls-in-script.ts';
import { shellCommands } from '../../src/discovery/services/shell/evaluate.ts';
import { matches } from '../../src/discovery/services/shell/pattern.ts';
import { fullName } from '../../src/image/name.ts';
import { parseDocument } from '../../src/oci/document.ts';
import { parseIndexJson } from '../../src/oci/index-json.ts';
import { parseAuthFile } from '../../src/registry/auth/auth-file.ts';
import { parseChallenges } from '../../src/registry/auth/challenge.ts';
import { parseRegistriesToml } from '../../src/registry/registries-toml.ts';
import { LayerTree } from '../../src/root/layer-tree.ts';
import { commandLines } from '../../src/systemd/command-line.ts';
import { parseEnvironmentFile } from '../../src/systemd/environment/environment-file.ts';
import { nameMatcher } from '../../src/systemd/glob.ts';
import { parseOsRelease } from '../../src/systemd/os-release.ts';
import { parseSystemdUnit } from '../../src/systemd/systemd-unit-file.ts';
import { parseTmpfiles } from '../../src/systemd/tmpfiles.ts';
import { parseQuadletUnit } from '../../src/systemd/unit-file.ts';
import { splitWords } from '../../src/systemd/words.ts';
// The counting comes first: what is compiled before is not counted.
// biome-ignore assist/source/organizeImports: see above.
import { assertLinear, operationsOf } from '../support/operations.ts';
import { chunksOf, tar } from '../support/tar.ts';

const all = () => true;
const shortNames = { searchRegistries: ['docker.io'], aliases: {} };
const build = () => ({
  buildArgs: new Map([['A', 'a']]),
  architecture: 'x86-64',
  allowance: new Allowance(),
});
const surroundings = {
  environment: new Map([['A', 'a']]),
  isWhole: true,
  stopsAtFailure: false,
  args: [],
  directory: '/',
  readFile: () => undefined,
  realPath: (path: string) => path,
  matching: () => [],
};

const shellParts = [
  ...'a "$A" _$(a) _`a` _${A:-_if a; then b; fi\n_<<a\n_a() { b; }\n_$((_(('.split('_'),
  ...'A=b\n_a | _a && _>a _{ a; }\n_case a in a) b;; esac\n_"${A%a}" '.split('_'),
];

/** Each parser of a text, and the texts that are special to it. */
const parsers: Readonly<
  Record<string, { parse: (text: string) => unknown; parts?: readonly string[] }>
> = {
  'units of Quadlet': {
    parse: (text) => parseQuadletUnit(`[Container]\n${text}`, '/x', all),
    parts: ['Image=a\n', '[A]\n', 'A=\\\n'],
  },
  'units of systemd': {
    parse: (text) => parseSystemdUnit(`[Service]\n${text}`, '/x', all),
    parts: ['ExecStart=a\n', '[A]\n', 'A=\\\n', '#\\\n'],
  },
  words: {
    parse: (text) => splitWords(text, { escapes: true, relaxed: true }),
    parts: ['\\x41', '\\; '],
  },
  'command lines': { parse: commandLines, parts: ['a ; ', '-@a ', '\\;'] },
  'environment files': { parse: parseEnvironmentFile, parts: ['A="b', "A='b'\n", 'A=\\\n'] },
  'environment files of Compose': {
    parse: (text) => [readEnvFile(text, new Map()), refusedLine(text)],
    parts: ['A="b\n', "A='b'\n", 'A=$A\n', 'export A=\n'],
  },
  'variables of Compose': {
    parse: (text) => interpolate(text, new Map([['A', 'a']])),
    parts: ['${A}', '${A:-', '$$', '${A'],
  },
  'YAML of Compose': {
    parse: readYamlValues,
    parts: ['- a\n', 'a: &a\n', '? a\n', '- *a\n', '---\n', '"', '- {a: b}\n', '|\n'],
  },
  'YAML of Kubernetes': {
    parse: readDocuments,
    parts: ['- a\n', 'a: &a\n', '? a\n', '- *a\n', '---\n', '"', '- {a: b}\n', '|\n'],
  },
  'registries.conf': {
    parse: (text) => parseRegistriesToml(text, 'main'),
    parts: [
      '[[registry]]\n',
      '[a.b]\n',
      'a.b = 1\n',
      "'''",
      '[[registry.mirror]]\n',
      '\n[aliases]\n',
    ],
  },
  'lines of TOML': { parse: (text) => linesOfKeys(text)('a'), parts: ['[a]\n', '"a" = 1\n'] },
  Containerfiles: {
    parse: (text) => baseImages(text, build()),
    parts: ['FROM a\n', 'ARG A=$A\n', 'COPY --from=a b c\n', 'RUN <<a ', 'RUN a \\\n', '# a\n'],
  },
  'shell scripts': {
    parse: (text) => shellCommands(text, surroundings),
    parts: shellParts,
  },
  'calls in scripts': {
    parse: callsInScript,
    parts: ['. a\n', 'sh a\n', 'a=a ', ';a=', ';a= ', 'a=; ', '/a', 'a.sh ', '$A/a ', 'cd /a\n'],
  },
  'programs behind variables': {
    parse: startsUnknown,
    parts: ['$a', '$a -b ', 'podman -a ', '-podman '],
  },
  'patterns of the shell': { parse: (text) => matches(text, '*a*b*c') },
  crontabs: { parse: (text) => jobsOf(text, 'cron'), parts: ['* * * * * root a\n', '@reboot '] },
  'os-release': { parse: parseOsRelease, parts: ['A="b"\n'] },
  'tmpfiles.d': {
    parse: (text) => parseTmpfiles(text, { architecture: 'x86-64', osRelease: new Map() }, all),
    parts: ['f /a - - - -\n', 'L+ /a - - - - "b\n'],
  },
  'origins of ostree': { parse: parseKeyFile, parts: ['[a]\n', 'a=b\n'] },
  'names of images': {
    parse: (text) => fullName(text, shortNames),
    parts: ['a/', 'a.', ':a', '@'],
  },
  'auth files': {
    parse: (text) => parseAuthFile(`{"auths":{${text}`),
    parts: ['"a":{"auth":"YTpi"},', '"'],
  },
  'challenges of registries': {
    parse: parseChallenges,
    parts: ['Bearer a="b",', 'Basic ', ',', '"'],
  },
  manifests: {
    parse: (text) => parseDocument(Buffer.from(`{"layers":[${text}`)),
    parts: ['{"a":1},', '\\"', '"a":'],
  },
  'index.json': { parse: (text) => parseIndexJson(Buffer.from(`{"manifests":[${text}`)) },
  globs: { parse: (text) => globMatches('a*b?c*d', text) },
  'long globs': { parse: (text) => globMatches(text, 'a'.repeat(20)), parts: ['*', '?'] },
  'patterns of paths': { parse: (text) => nameMatcher(text)('a'), parts: ['[a-b]', '[', '[!'] },
  'headers of pax': {
    parse: (text) => {
      try {
        paxRecords(Buffer.from(text));
      } catch {
        // Most texts are none.
      }
    },
    parts: ['6 a=b\n', '11 path=a\n'],
  },
};

/** Texts that a careless parser reads again and again, or splits in more ways than one. */
const common: readonly string[] = [
  ...'a \n\\"\'#=:/.-@$%*[{(<|;\t\r\0'.split(''),
  ...'\\\n_ \n_#\n_a _a=_a=b\n_a: b\n_""_\'\' '.split('_'),
];

/** The number of characters of a text, which is then doubled. */
const SIZE = 2_000;

/** The most growth that counts as linear. Some texts pass a limit of the parser, and grow less. */
const LINEAR = 2.4;

for (const [what, { parse, parts = [] }] of Object.entries(parsers)) {
  test(`${what} are read in as many operations as the text is long`, async () => {
    await operationsOf(() => parse('a'));
    for (const part of [...common, ...parts]) {
      const cost = (size: number) =>
        operationsOf(() => parse(part.repeat(Math.ceil(size / part.length))));
      const [half, whole] = [await cost(SIZE), await cost(SIZE * 2)];
      assert.ok(whole <= half * LINEAR + 1000, `${JSON.stringify(part)}: ${half}, then ${whole}`);
    }
  });
}

test('archives are read in as many operations as they have members', async () => {
  const cost = async (count: number) => {
    const members = Array.from({ length: count }, (_, i) => ({ path: `d${i}/f`, content: 'a' }));
    const bytes = tar(members);
    return operationsOf(async () => {
      for await (const entry of tarEntries(chunksOf(bytes, 65_536))) await entry.read(1);
    });
  };
  await cost(100);
  const [half, whole] = [await cost(500), await cost(1000)];
  assert.ok(whole <= half * LINEAR, `${half}, then ${whole}`);
});

test('layers are applied in as many operations as they have files and whiteouts', async () => {
  const members = (count: number) => [
    ...Array.from({ length: count }, (_, i) => ({ path: `d/e/f${i}` })),
    ...Array.from({ length: count }, (_, i) => ({
      path: `${i % 2 === 0 ? 'd' : 'd/e'}/.wh..wh..opq`,
    })),
  ];
  const apply = (bytes: Buffer) => new LayerTree().apply(tarEntries(chunksOf(bytes, 65_536)));
  await assertLinear((count) => tar(members(count)), apply, 500);
});
