import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { LOCK_PATH, lockText } from '../../src/binding/lock.ts';
import { type BoundReference, survey } from '../../src/binding/survey.ts';
import { type LintReport, lint } from '../../src/lint/lint.ts';
import { limitCpu } from '../support/limit-cpu.ts';
import { digestFor } from '../support/samples.ts';
import { rootOf, type Tree, units } from '../support/tree.ts';

const a = digestFor('a');
const b = digestFor('b');
const host = 'registry.example.com';
const context = { report: () => {}, signal: new AbortController().signal };

async function lintOf(
  t: TestContext,
  tree: Tree,
  change: (reference: BoundReference) => BoundReference = (reference) => reference,
  bind: 'all' | 'enabled' | 'linked' = 'all',
): Promise<LintReport> {
  const root = rootOf(t, tree);
  const found = await survey(root, { bind, compose: [] });
  const references = found.references.map(change);
  return lint(context, { ...found, references }, root, {});
}

/** `level code path:line`, without those that are suppressed. */
function said({ findings }: LintReport): string[] {
  return findings
    .filter(({ suppressed }) => suppressed === undefined)
    .map(({ level, code, path, line }) => `${level} ${code} ${path?.split('/').pop()}:${line}`);
}

const unit = (name: string, image: string, more = ''): Tree => ({
  [`${units}/${name}`]: `[Container]\nImage=${image}\n${more}`,
});

const lockOf = (...names: string[]): Tree => ({
  [LOCK_PATH]: lockText(new Map(names.map((name) => [name, { digest: a, platforms: new Map() }]))),
});

const boot: Tree = {
  'usr/lib/systemd/system/default.target': '[Unit]\nWants=multi-user.target\n',
  'usr/lib/systemd/system/multi-user.target': '[Unit]\n',
};

/** The finding on a root that names images and binds none of them. */
const nothingBound = 'warning nothing-bound undefined:undefined';

test('a floating tag is a warning unless it is locked or the name has a digest', async (t) => {
  const tag = unit('web.container', `${host}/web:1`);
  assert.deepEqual(said(await lintOf(t, tag)), ['warning floating-tag web.container:2']);
  assert.deepEqual(said(await lintOf(t, tag, undefined, 'linked')), [
    nothingBound,
    'note floating-tag web.container:2',
  ]);
  assert.deepEqual(said(await lintOf(t, { ...tag, ...lockOf(`${host}/web:1`) })), []);
  assert.deepEqual(said(await lintOf(t, { ...tag, ...lockOf(`${host}/web:2`) })), [
    'warning floating-tag web.container:2',
  ]);
  assert.deepEqual(said(await lintOf(t, unit('web.container', `${host}/web@${a}`))), []);
});

test('a broken unit is an error if it would be bound once it is mended', async (t) => {
  const good = unit(
    'good.container',
    `${host}/good@${a}`,
    '[Install]\nWantedBy=multi-user.target\n',
  );
  const trees: readonly (readonly [string, Tree, string])[] = [
    ['a misspelt section', { [`${units}/web.container`]: '[Containr]\nImage=a\n' }, 'refused'],
    ['a misspelt key', unit('web.container', `${host}/web@${a}`, 'Imge=b\n'), 'unknown-key'],
    ['no key', unit('web.container', `${host}/web@${a}`, 'nonsense\n'), 'syntax'],
  ];
  for (const [name, tree, code] of trees) {
    const levels = async (bind: 'enabled' | 'linked', more: Tree = {}) =>
      said(await lintOf(t, { ...boot, ...good, ...tree, ...more }, undefined, bind))
        .filter((line) => line.includes(` ${code} web`))
        .map((line) => line.split(' ', 1)[0]);
    assert.deepEqual(await levels('enabled'), ['error'], name);
    assert.deepEqual(await levels('linked'), ['note'], name);
    const excluded = { 'usr/lib/berth/berth.toml': '[bind]\nexclude = ["web.service"]\n' };
    assert.deepEqual(await levels('enabled', excluded), ['note'], name);
  }
});

test('short names are found, also with aliases and specifiers', async (t) => {
  const registries = {
    '/etc/containers/registries.conf': 'unqualified-search-registries = ["docker.io"]',
  };
  const codes = async (image: string) => {
    const tree = {
      ...registries,
      ...unit('web.container', image),
      '/usr/lib/os-release': 'VERSION_ID=3\n',
    };
    const { findings } = await lintOf(t, tree);
    return findings.map(({ code }) => code).filter((code) => code === 'short-name');
  };
  assert.deepEqual(await codes('web:1'), ['short-name']);
  assert.deepEqual(await codes('acme/web:%w'), ['short-name']);
  assert.deepEqual(await codes(`${host}/web:%w`), []);
  assert.deepEqual(await codes('docker.io/web:1'), []);
  assert.deepEqual(await codes('docker://web:1'), []);
});

test('the file name of a .artifact unit is no short name', async (t) => {
  const tree = {
    '/usr/share/containers/systemd/a.container': `[Container]\nRootfs=/a\nMount=type=artifact,source=m.artifact,destination=/m\n`,
    '/usr/share/containers/systemd/m.artifact': `[Artifact]\nArtifact=${host}/m:1\n`,
  };
  const { findings } = await lintOf(t, tree);
  assert.ok(!findings.some(({ code }) => code === 'short-name'));
});

test('problems become errors if bound, else notes', async (t) => {
  const tree = unit('odd.container', `${host}/odd:%H`);
  assert.deepEqual(said(await lintOf(t, tree)), ['error specifier odd.container:2']);
  assert.deepEqual(said(await lintOf(t, tree, undefined, 'linked')), [
    nothingBound,
    'note specifier odd.container:2',
  ]);
  const always = unit('web.container', `${host}/web@${a}`, 'Pull=always\n');
  assert.deepEqual(said(await lintOf(t, always)), ['error pull-always web.container:3']);
  const image = { [`${units}/web.image`]: `[Image]\nImage=${host}/web@${a}\n` };
  assert.deepEqual(said(await lintOf(t, image)), ['error pull-always web.image:2']);
  const broken = { ...unit('web.container', `${host}/web:1`), [LOCK_PATH]: '{' };
  assert.deepEqual(said(await lintOf(t, broken)), ['error lock-file lock.json:undefined']);
});

test('a missing AuthFile, on a bound unit and on another', async (t) => {
  const tree = {
    [`${units}/web.image`]: `[Image]\nImage=${host}/web@${a}\nAuthFile=/etc/auth.json\nPolicy=missing\n`,
  };
  const [bound] = said(await lintOf(t, tree));
  assert.match(bound ?? '', /^error auth-file /);
  const [nothing, unbound] = said(await lintOf(t, tree, undefined, 'linked'));
  assert.equal(nothing, nothingBound);
  assert.match(unbound ?? '', /^note auth-file /);
  assert.deepEqual(said(await lintOf(t, { ...tree, '/etc/auth.json': '{"auths":{}}' })), []);
});

test('a bound unit that nothing starts is reported, an unbound one is not', async (t) => {
  const tree = unit('web.container', `${host}/web@${a}`);
  const never = (reference: BoundReference) => ({ ...reference, activation: 'none' as const });
  assert.deepEqual(said(await lintOf(t, tree, never)), ['warning never-starts web.container:2']);
  assert.deepEqual(said(await lintOf(t, tree, never, 'linked')), [nothingBound]);
});

test('two stores: linked twice, or bound by bootc where podman does not look', async (t) => {
  const bootc = '/usr/lib/bootc/bound-images.d/web.container';
  const link = `-> ${units}/web.container`;
  const tree = (more = '') => unit('web.container', `${host}/web@${a}`, more);
  // Other options in GlobalArgs= do not matter to this rule.
  const linked = async (files: Tree) => {
    const { findings, ...rest } = await lintOf(t, files, undefined, 'linked');
    return { ...rest, findings: findings.filter(({ code }) => code === 'two-stores') };
  };
  const expected = ['warning two-stores web.container:2'];
  const own = 'GlobalArgs=--storage-opt=additionalimagestore=/usr/lib/bootc/storage\n';
  assert.deepEqual(said(await linked({ ...tree(), [bootc]: link })), expected);
  assert.deepEqual(said(await linked({ ...tree(own), [bootc]: link })), []);
  const dropIn = { [`${units}/web.container.d/bootc.conf`]: `[Container]\n${own}` };
  assert.deepEqual(said(await linked({ ...tree(), ...dropIn, [bootc]: link })), []);
  const both = { ...tree(own), [bootc]: link, '/usr/lib/berth/bound.d/web.container': link };
  const report = await linked(both);
  assert.deepEqual(said(report), expected);
  assert.match(report.findings[0]?.message ?? '', /bound-images\.d and from berth/);
});

test('two digests: two pins, or a locked tag with another digest than the pin', async (t) => {
  const two = (first: string, second: string, more: Tree = {}) =>
    lintOf(t, { ...unit('x.container', first), ...unit('y.container', second), ...more });
  const expected = ['warning two-digests x.container:2', 'warning two-digests y.container:2'];
  const name = `${host}/web`;
  assert.deepEqual(said(await two(`${name}@${a}`, `${name}@${b}`)), expected);
  assert.deepEqual(said(await two(`${name}:1@${a}`, `${name}@${a}`)), []);
  assert.deepEqual(said(await two(`${name}:1`, `${name}@${b}`, lockOf(`${name}:1`))), expected);
  assert.deepEqual(said(await two(`${name}:1`, `${name}@${a}`, lockOf(`${name}:1`))), []);
  const tags = await two(`${name}:1`, `${name}:2`, lockOf(`${name}:1`, `${name}:2`));
  assert.deepEqual(said(tags), []);
  assert.deepEqual(said(await two(`${name}@${a}`, `${host}/api@${b}`)), []);
});

test('a unit suppresses a rule with a reason, and only that rule', async (t) => {
  const tree = (lines: string) => unit('web.container', `${host}/web:1`, `[X-Berth]\n${lines}`);
  const ignored = await lintOf(t, tree('LintIgnore=floating-tag  the vendor  moves it\n'));
  assert.deepEqual(said(ignored), []);
  assert.deepEqual(
    ignored.findings.map(({ code, suppressed }) => [code, suppressed]),
    [['floating-tag', 'the vendor moves it']],
  );
  assert.deepEqual(said(await lintOf(t, tree('LintIgnore=floating-tag\n'))), [
    'error suppression web.container:4',
    'warning floating-tag web.container:2',
  ]);
  assert.deepEqual(said(await lintOf(t, tree('LintIgnore=short-name it is full\n'))), [
    'warning floating-tag web.container:2',
    'note suppression web.container:4',
  ]);
  const own = await lintOf(t, tree('LintIgnore=suppression no reason at all\nLintIgnore=x\n'));
  assert.ok(said(own).includes('error suppression web.container:5'), 'it can not hide itself');
  const offline = await lintOf(t, tree('LintIgnore=missing-image pushed later\n'));
  assert.deepEqual(said(offline), ['warning floating-tag web.container:2']);
});

test('a finding that one unit suppresses still counts for another', async (t) => {
  const ignore = '[X-Berth]\nLintIgnore=pull-always it is a kiosk\n';
  const tree = {
    [`${units}/web.image`]: `[Image]\nImage=${host}/web@${a}\n`,
    ...unit('x.container', 'web.image', ignore),
  };
  assert.deepEqual(said(await lintOf(t, tree)), ['error pull-always web.image:2']);
  const inImage = { ...tree, [`${units}/web.image`]: `[Image]\nImage=${host}/web@${a}\n${ignore}` };
  const [first] = said(await lintOf(t, inImage));
  assert.equal(first, undefined);
});

test('LintIgnore is a key of berth’s section, and no problem', async (t) => {
  const tree = unit('web.container', `${host}/web@${a}`, '[X-Berth]\nLintIgnor=x y\n');
  assert.deepEqual(said(await lintOf(t, tree)), ['error bind-setting web.container:4']);
});

test('a unit with 50,000 suppressions takes no long time', async (t) => {
  limitCpu(t, 60);
  const lines = Array.from({ length: 25_000 }, (_, i) => `LintIgnore=rule-${i} x\n`).join('');
  const tree = unit(
    'web.container',
    `${host}/web:1`,
    `[X-Berth]\n${lines}${'LintIgnore=y\n'.repeat(25_000)}`,
  );
  const report = await lintOf(t, tree);
  assert.equal(report.findings.filter(({ code }) => code === 'suppression').length, 50_000);
});
