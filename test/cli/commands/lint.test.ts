import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import * as v from 'valibot';
import { lintGithub } from '../../../src/cli/render/lint/github.ts';
import { lintSarif } from '../../../src/cli/render/lint/sarif.ts';
import { lintTable } from '../../../src/cli/render/lint/table.ts';
import * as schemas from '../../../src/documents/schemas.ts';
import { formatPlatform, hostPlatform } from '../../../src/image/platform.ts';
import { container, type Machine, startMachine, writeRoot } from '../../support/berth.ts';
import { buildImage } from '../../support/image-builder.ts';

const host = 'registry.example.com';
const other = formatPlatform(hostPlatform()) === 'linux/amd64' ? 'linux/arm64' : 'linux/amd64';
const layers = [{ bytes: 100_000, seed: 1 }];

async function lint(machine: Machine, root: string, ...words: string[]) {
  const all = ['lint', '--bind', 'all', '--format', 'json', ...words, root];
  const { stdout, stderr, code } = await machine.berth(...all);
  assert.notEqual(stdout, '', stderr);
  return { code, stderr, ...v.parse(schemas.LintReport, JSON.parse(stdout)) };
}

test('an image that the registry lacks, or lacks for the root’s platform, is an error', async (t) => {
  const machine = await startMachine(t);
  machine.registry.push('web:1', buildImage({ layers }));
  machine.registry.push('far:1', buildImage({ layers, platforms: [other] }));
  const root = writeRoot(join(machine.directory, 'os'), {
    ...container('web', `${host}/web:1`, '[X-Berth]\nLintIgnore=floating-tag ours\n'),
    ...container('gone', `${host}/gone:1`),
    ...container('far', `${host}/far:1`),
  });
  const found = await lint(machine, root);
  assert.equal(found.code, 1);
  const errors = found.findings.filter(({ level }) => level === 'error');
  assert.deepEqual(
    errors.map(({ code, image, line }) => [code, image, line]),
    [
      ['no-platform', `${host}/far:1`, 2],
      ['missing-image', `${host}/gone:1`, 2],
    ],
  );
  assert.deepEqual([found.errors, found.warnings, found.suppressed], [2, 2, 1]);
  const offline = await lint(machine, root, '--offline');
  assert.equal(offline.code, 0);
  assert.deepEqual(offline.skipped, ['missing-image', 'no-platform']);
  assert.equal(offline.bytes, undefined);
  assert.match(offline.stderr, /Skipped with --offline: missing-image, no-platform\./);
});

test('a lock is asked for by its digests', async (t) => {
  const machine = await startMachine(t);
  machine.registry.push('web:1', buildImage({ layers }));
  const root = writeRoot(join(machine.directory, 'os'), container('web', `${host}/web:1`));
  await machine.berth('lock', '--bind', 'all', root);
  machine.registry.push('web:1', buildImage({ layers, platforms: [other] }));
  const found = await lint(machine, root);
  assert.deepEqual([found.code, found.findings], [0, []]);
});

test('the size of the bound images is held against a limit', async (t) => {
  const machine = await startMachine(t);
  for (const name of ['a:1', 'b:1']) machine.registry.push(name, buildImage({ layers }));
  const root = writeRoot(join(machine.directory, 'os'), {
    ...container('a', `${host}/a:1`),
    ...container('b', `${host}/b:1`),
  });
  const { bytes = 0, code } = await lint(machine, root, '--max-size', '150kB');
  assert.equal(code, 0, 'the layer that both have counts once');
  assert.ok(bytes > 100_000 && bytes < 150_000, String(bytes));
  const small = await lint(machine, root, '--max-size', '90 KiB');
  assert.equal(small.code, 1);
  assert.deepEqual(
    small.findings.filter(({ level }) => level === 'error').map(({ code, path }) => [code, path]),
    [['total-size', undefined]],
  );
  for (const wrong of ['much', '-1', '1X', '']) {
    assert.equal((await machine.berth('lint', '--max-size', wrong, root)).code, 2, wrong);
  }
});

test('a registry that is away answers 5, unless something else is wrong', async (t) => {
  const machine = await startMachine(t);
  const root = writeRoot(join(machine.directory, 'os'), container('web', `${host}/web:1`));
  await machine.registry.close();
  const away = await lint(machine, root);
  assert.deepEqual([away.code, away.findings[0]?.code], [5, 'not-checked']);
  writeRoot(root, container('odd', `${host}/odd:%H`));
  assert.equal((await lint(machine, root)).code, 1);
});

const Sarif = v.strictObject({
  $schema: v.string(),
  version: v.literal('2.1.0'),
  runs: v.tuple([
    v.strictObject({
      tool: v.strictObject({
        driver: v.strictObject({
          name: v.literal('berth'),
          version: v.string(),
          rules: v.array(
            v.strictObject({
              id: v.string(),
              shortDescription: v.strictObject({ text: v.string() }),
              help: v.strictObject({ text: v.string(), markdown: v.string() }),
              defaultConfiguration: v.strictObject({
                level: v.picklist(['error', 'warning', 'note']),
              }),
            }),
          ),
        }),
      }),
      originalUriBaseIds: v.strictObject({
        ROOT: v.strictObject({ description: v.strictObject({ text: v.string() }) }),
      }),
      columnKind: v.literal('utf16CodeUnits'),
      invocations: v.array(
        v.strictObject({
          executionSuccessful: v.boolean(),
          toolExecutionNotifications: v.array(
            v.strictObject({
              level: v.literal('note'),
              message: v.strictObject({ text: v.string() }),
            }),
          ),
        }),
      ),
      results: v.array(
        v.strictObject({
          ruleId: v.string(),
          ruleIndex: v.pipe(v.number(), v.minValue(0)),
          level: v.picklist(['error', 'warning', 'note']),
          message: v.strictObject({ text: v.string() }),
          locations: v.optional(
            v.array(
              v.strictObject({
                physicalLocation: v.strictObject({
                  artifactLocation: v.strictObject({
                    uri: v.pipe(v.string(), v.regex(/^(?!\/)[\w.~/%-]+$/)),
                    uriBaseId: v.literal('ROOT'),
                  }),
                  region: v.optional(
                    v.strictObject({ startLine: v.pipe(v.number(), v.minValue(1)) }),
                  ),
                }),
              }),
            ),
          ),
          suppressions: v.optional(
            v.array(v.strictObject({ kind: v.literal('inSource'), justification: v.string() })),
          ),
        }),
      ),
    }),
  ]),
});

test('SARIF has every finding with its rule and place, and why it is suppressed', async (t) => {
  const machine = await startMachine(t);
  const root = writeRoot(join(machine.directory, 'os'), {
    ...container('web', `${host}/web:1`, '[X-Berth]\nLintIgnore=floating-tag ours\n'),
    ...container('odd x', `${host}/odd:%H`),
  });
  const words = ['lint', '--offline', '--bind', 'all', '--format', 'sarif', root];
  const { stdout, code } = await machine.berth(...words);
  assert.equal(code, 1);
  const [run] = v.parse(Sarif, JSON.parse(stdout)).runs;
  for (const { ruleId, ruleIndex } of run.results) {
    assert.equal(run.tool.driver.rules[ruleIndex]?.id, ruleId);
  }
  const ids = run.tool.driver.rules.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  const [odd, web] = run.results;
  assert.equal(
    odd?.locations?.[0]?.physicalLocation.artifactLocation.uri,
    'usr/share/containers/systemd/odd%20x.container',
  );
  assert.equal(odd?.locations?.[0]?.physicalLocation.region?.startLine, 2);
  assert.deepEqual(web?.suppressions, [{ kind: 'inSource', justification: 'ours' }]);
});

const hostile = {
  code: 'floating-tag',
  level: 'warning' as const,
  message: '100%\r\n::error::forged',
  hint: 'a, b: c',
  path: '/a,b:c%\udcff\n.container',
  line: 3,
};

test('nothing in a finding forges a workflow command', () => {
  const text = lintGithub({ findings: [hostile], skipped: [] });
  assert.equal(text.trimEnd().split('\n').length, 1);
  assert.match(
    text,
    /^::warning file=a%2Cb%3Ac%25\S*\.container,line=3,title=floating-tag::100%25/,
  );
  assert.match(
    lintGithub({ findings: [{ ...hostile, level: 'note' }], skipped: [] }),
    /^::notice /,
  );
  const suppressed = [{ ...hostile, suppressed: 'so' }];
  assert.equal(lintGithub({ findings: suppressed, skipped: [] }), '');
});

test('a path that is no text is a URI all the same', () => {
  const sarif = v.parse(
    Sarif,
    lintSarif({ findings: [hostile], skipped: ['no-platform'] }, 'whole'),
  );
  const [location] = sarif.runs[0].results[0]?.locations ?? [];
  assert.equal(location?.physicalLocation.artifactLocation.uri, 'a%2Cb%3Ac%25%FF%0A.container');
  assert.equal(sarif.runs[0].invocations[0]?.toolExecutionNotifications.length, 1);
});

test('--fail-on says which findings end with 1, --path-prefix where ROOT lies in the repository', async (t) => {
  const machine = await startMachine(t);
  const name = 'registry.example.com/web:1';
  const root = writeRoot(join(machine.directory, 'os'), container('web', name));
  const codes = [];
  for (const level of ['error', 'warning', 'note']) {
    codes.push((await machine.berth('lint', '--offline', '--fail-on', level, root)).code);
  }
  // The only bound unit is not enabled: a note; nothing is bound: a warning.
  assert.deepEqual(codes, [0, 1, 1]);
  const bound = ['--offline', '--bind', 'all', '--fail-on', 'warning', root];
  assert.equal((await machine.berth('lint', ...bound)).code, 1);
  const prefixed = ['lint', '--offline', '--path-prefix', './images/os/', root];
  const github = await machine.berth(...prefixed, '--format', 'github');
  assert.match(
    github.stdout,
    /file=images\/os\/usr\/share\/containers\/systemd\/web\.container,line=2/,
  );
  const json = await machine.berth(...prefixed, '--format', 'sarif');
  const sarif = v.parse(Sarif, JSON.parse(json.stdout));
  const places = sarif.runs[0].results.map(
    ({ locations }) => locations?.[0]?.physicalLocation.artifactLocation.uri,
  );
  assert.ok(places.length > 1);
  for (const place of places) assert.match(place ?? '', /^images\/os\/(etc|usr)\//);
});

test('the table counts; a tree without units is clean', async (t) => {
  const machine = await startMachine(t);
  const root = join(machine.directory, 'empty');
  mkdirSync(join(root, 'usr'), { recursive: true });
  const empty = await machine.berth('lint', root);
  assert.equal(empty.code, 0);
  assert.equal(empty.stdout, '0 errors, 0 warnings, 0 notes, 0 suppressed; 0 B bound\n');
  mkdirSync(join(root, 'usr/share/containers/systemd'), { recursive: true });
  writeFileSync(join(root, 'usr/share/containers/systemd/a.container'), '[Container]\nImage=\n');
  assert.equal((await machine.berth('lint', '--format', 'refs', root)).code, 2);
});

test('the table gives no size of images that no registry told', () => {
  const report = { findings: [{ ...hostile, code: 'not-checked' as const }], skipped: [] };
  assert.match(lintTable({ ...report, bytes: 0 }), / 0 suppressed\n$/);
  assert.match(lintTable({ ...report, bytes: 1000 }), /; at least 1\.0 kB bound\n$/);
  const ofUnbound = [{ ...hostile, code: 'not-checked' as const, level: 'note' as const }];
  assert.match(lintTable({ ...report, findings: ofUnbound, bytes: 0 }), /; 0 B bound\n$/);
});
