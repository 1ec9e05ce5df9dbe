import assert from 'node:assert/strict';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'node:test';
import * as v from 'valibot';
import { version } from '../../src/common/version.ts';
import * as schemas from '../../src/documents/schemas.ts';
import { container, startMachine, writeRoot } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';

const host = 'registry.example.com';
const store = ['--engine', 'store'];

test('the version is that of package.json', async (t) => {
  const machine = await startMachine(t);
  const path = resolve(import.meta.dirname, '../../package.json');
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as { version: string };
  assert.equal(manifest.version, version);
  assert.equal((await machine.berth('--version')).stdout, `${version}\n`);
});

test('every command has help with an example', async (t) => {
  const machine = await startMachine(t);
  const { stdout, code } = await machine.berth('--help');
  assert.equal(code, 0);
  const section = stdout.slice(stdout.indexOf('Commands:'), stdout.indexOf('ROOT is'));
  const names = [...section.matchAll(/^ {2}([a-z]+)/gm)].map(([, name]) => name ?? '');
  assert.ok(names.length >= 12, names.join());
  for (const name of names.filter((n) => n !== 'help')) {
    const help = await machine.berth(name, '--help');
    assert.equal(help.code, 0, name);
    assert.match(help.stdout, /Examples:\n {2}berth /, name);
    // Their results have one format.
    if (!['report', 'completion'].includes(name)) assert.match(help.stdout, /--format/, name);
  }
});

test('wrong usage answers 2, on standard error alone', async (t) => {
  const machine = await startMachine(t);
  writeFileSync(join(machine.directory, 'file'), '');
  for (const words of [
    ['nonsense'],
    ['images', '--nonsense'],
    ['stage', '--engine', 'nonsense', '/'],
    ['images', join(machine.directory, 'nowhere')],
    ['images', join(machine.directory, 'file')],
    ['images', 'fd:77'],
    ['images', 'image:'],
    ['images', `image:oci:${machine.directory}/nowhere`],
    ['lock', 'image:x'],
    ['images', 'staged'],
    ['images', '--activation', 'never', machine.directory],
    ['stage', ...store, '--id', '../x', machine.directory],
    ['stage', ...store, '--id', 'manual', machine.directory],
    ['pull', ...store],
    ['pull', ...store, 'UPPER/case'],
    ['release', ...store, 'unknown'],
    ['status', ...store, '--config', '/nowhere.toml'],
    ['status', ...store, '--progress-fd', 'x'],
  ]) {
    const { code, stdout, stderr } = await machine.berth(...words);
    assert.equal(code, 2, `${words.join(' ')}: ${stderr}`);
    assert.equal(stdout, '', words.join(' '));
    assert.doesNotMatch(stderr, /\n {4}at /, 'a stack without --debug');
    assert.doesNotMatch(stderr, /fault of berth/, words.join(' '));
  }
});

test('an error is two lines, and its stack comes with --debug', async (t) => {
  const machine = await startMachine(t);
  const plain = await machine.berth('release', ...store, 'unknown');
  assert.match(plain.stderr, /^berth: no root unknown .*\n {2}→ nothing is staged\n$/);
  const debug = await machine.berth('release', ...store, 'unknown', '--debug');
  assert.match(debug.stderr, /\n {4}at /);
});

test('configuration: later files win, unknown keys name file and line', async (t) => {
  const machine = await startMachine(t);
  const file = join(machine.directory, 'berth.toml');
  writeFileSync(file, '# ours\nengine = "store"\n');
  const status = await machine.berth('status', '--config', file, '--format', 'json');
  assert.equal(v.parse(schemas.Status, JSON.parse(status.stdout)).engine.name, 'store');
  for (const [text, place] of [
    ['engine = "store"\nengin = "podman"\n', `${file}:2: the key engin is not known`],
    ['engine = "rkt"\n', `${file}:1: engine is "rkt"`],
    ['engine = \n', `${file}:1: `],
  ] as const) {
    writeFileSync(file, text);
    const { code, stderr } = await machine.berth('status', '--config', file);
    assert.equal(code, 2);
    assert.ok(stderr.includes(place), stderr);
  }
});

test('nothing bound is said, with how to bind', async (t) => {
  const machine = await startMachine(t);
  const root = writeRoot(join(machine.directory, 'os'), container('web', `${host}/web:1`));
  for (const [expected, ...command] of [
    [0, 'images'],
    [0, 'plan', ...store],
    [3, 'stage', ...store],
    [3, 'verify', ...store],
  ] as const) {
    const { stderr, code } = await machine.berth(...command, root);
    assert.equal(code, expected, stderr);
    assert.match(stderr, /bound\.d.*Bind=yes.*--bind all/, command[0]);
  }
});

test('the JSON of every command is as its schema says', async (t) => {
  const machine = await startMachine(t);
  machine.registry.push('web:1', buildImage({ layers: [{ bytes: 1000, seed: 1 }] }));
  machine.registry.push('tool:1', buildImage({ layers: [{ bytes: 1000, seed: 2 }] }));
  const root = writeRoot(join(machine.directory, 'os'), {
    ...container('web', `${host}/web:1`),
    ...container('odd', `${host}/odd:%H`, '[X-Berth]\nBind=no\n'),
  });
  const json = async (...words: string[]) => {
    const { stdout, stderr } = await machine.berth(...words, '--format', 'json', ...store);
    assert.notEqual(stdout, '', stderr);
    return JSON.parse(stdout) as unknown;
  };
  const rooted = ['--bind', 'all', '--id', 'os', root];
  const strict = <S extends v.GenericSchema>(schema: S, value: unknown) => v.parse(schema, value);
  const images = strict(schemas.ImageList, await json('images', ...rooted));
  assert.deepEqual(
    images.images.map(({ image }) => image),
    [`${host}/web:1`],
  );
  assert.equal(images.images[0]?.references[0]?.rule, 'mode all (--bind)');
  assert.deepEqual(
    images.problems.map(({ code, bound }) => [code, bound]),
    [['specifier', false]],
  );
  strict(schemas.Plan, await json('plan', ...rooted));
  assert.equal(strict(schemas.StageResult, await json('stage', ...rooted)).ready, true);
  assert.equal(strict(schemas.Verification, await json('verify', 'os')).ready, true);
  assert.equal(strict(schemas.Status, await json('status')).roots[0]?.state, 'ready');
  assert.equal(strict(schemas.ActivateResult, await json('activate')).switched, true);
  strict(schemas.ReconcileResult, await json('reconcile'));
  strict(schemas.Why, await json('why', `${host}/web:1`, root));
  strict(schemas.WhyUnit, await json('why', 'web.service', root));
  assert.equal(strict(schemas.PinList, await json('pins')).pins[0]?.root, 'os');
  strict(schemas.PullResult, await json('pull', `${host}/tool:1`));
  strict(schemas.PinResult, await json('pin', `${host}/tool:1`));
  strict(schemas.PinResult, await json('unpin', `${host}/tool:1`));
  strict(schemas.ReleaseResult, await json('release', 'os'));
  strict(schemas.PruneResult, await json('prune', '--dry-run'));
  assert.equal(strict(schemas.PruneResult, await json('prune', '--force')).removed.length, 2);
});

test('pins by hand: unpin drops them, and refuses with 4 what a root holds', async (t) => {
  const machine = await startMachine(t);
  machine.registry.push('web:1', buildImage({ layers: [{ bytes: 1000, seed: 1 }] }));
  const root = writeRoot(join(machine.directory, 'os'), container('web', `${host}/web:1`));
  const missing = await machine.berth('pin', ...store, `${host}/web:1`);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /berth pull registry\.example\.com\/web:1/);
  await machine.berth('pull', ...store, '--pin', 'tools', `${host}/web:1`);
  assert.match((await machine.berth('pins', ...store)).stdout, /manual\.tools/);
  await machine.berth('stage', ...store, '--bind', 'all', '--id', 'os', root);
  const dropped = await machine.berth('unpin', ...store, 'tools');
  assert.equal(dropped.code, 0, dropped.stderr);
  const refused = await machine.berth('unpin', ...store, `${host}/web:1`);
  assert.equal(refused.code, 4);
  assert.match(refused.stderr, /pinned for os\n.*berth release os/);
  const unknown = await machine.berth('unpin', ...store, `${host}/other:1`);
  assert.equal(unknown.code, 1);
});

test('pull takes a list from standard input, and a root by descriptor', async (t) => {
  const machine = await startMachine(t);
  for (const name of ['a:1', 'b:1']) {
    machine.registry.push(
      name,
      buildImage({ layers: [{ bytes: 1000, seed: name.charCodeAt(0) }] }),
    );
  }
  const input = `# a list\n${host}/a:1\n\n  ${host}/b:1 # the second\n`;
  const listed = await machine.berthWith({ input }, 'pull', '-', ...store, '--format', 'refs');
  assert.equal(listed.stdout, `${host}/a:1\n${host}/b:1\n`);
  assert.equal((await machine.berth('pins', ...store)).stdout, '', 'nothing is pinned');
  const root = join(machine.directory, 'os');
  mkdirSync(root);
  writeRoot(root, container('a', `${host}/a:1`));
  const fd = openSync(root, 'r');
  t.after(() => closeSync(fd));
  const words = ['pull', '--all-images-from-root', '3', ...store, '--format', 'refs'];
  const all = await machine.berthWith({ fds: [fd] }, ...words);
  assert.equal(all.stdout, `${host}/a:1\n`, all.stderr);
});

test('progress as NDJSON on a descriptor of its own', async (t) => {
  const machine = await startMachine(t);
  machine.registry.push('a:1', buildImage({ layers: [{ bytes: 1000, seed: 1 }] }));
  const file = join(machine.directory, 'progress');
  const fd = openSync(file, 'w');
  t.after(() => closeSync(fd));
  const words = ['pull', `${host}/a:1`, ...store, '--progress', 'json', '--progress-fd', '3'];
  const { code, stderr } = await machine.berthWith({ fds: [fd] }, ...words);
  assert.equal(code, 0, stderr);
  assert.equal(stderr, '');
  const events = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { event: string }).event);
  assert.deepEqual(
    [...new Set(events)].filter((event) => event !== 'fetch-progress'),
    ['fetch-started', 'fetched', 'named'],
  );
});

test('prune asks a terminal, and removes nothing where there is none', async (t) => {
  const machine = await startMachine(t);
  machine.registry.push('web:1', buildImage({ layers: [{ bytes: 1000, seed: 1 }] }));
  const root = writeRoot(join(machine.directory, 'os'), container('web', `${host}/web:1`));
  await machine.berth('stage', ...store, '--bind', 'all', '--id', 'os', root);
  await machine.berth('release', ...store, 'os');
  const { code, stderr } = await machine.berth('prune', ...store);
  assert.equal(code, 2);
  assert.match(stderr, /--dry-run.*--force/);
  const shown = await machine.berth('prune', ...store, '--dry-run');
  assert.match(shown.stdout, /web:1 .*would be removed/);
});

test('hostile names can’t steer the terminal', async (t) => {
  const machine = await startMachine(t);
  const evil = 'Image=evil\u001b[2Jimage\u202e\n';
  const root = writeRoot(join(machine.directory, 'os'), {
    'usr/share/containers/systemd/\u001b[31mx.container': `[Container]\n${evil}`,
  });
  for (const format of ['table', 'json', 'refs']) {
    const { stdout, stderr } = await machine.berth('images', '--format', format, root);
    for (const evil of ['\u001b', '\u202e']) assert.ok(!(stdout + stderr).includes(evil), format);
  }
});

test('where nothing is queued the gate is open', async (t) => {
  const machine = await startMachine(t);
  const plain = await machine.berth('gate', ...store);
  assert.deepEqual([plain.code, plain.stdout], [0, 'Nothing is queued.\n'], plain.stderr);
  const { stdout } = await machine.berth('gate', ...store, '--format', 'json');
  assert.equal(v.parse(schemas.GateResult, JSON.parse(stdout)).decision, 'nothing');
});

test('apply wants an engine that runs services', async (t) => {
  const machine = await startMachine(t);
  const root = writeRoot(join(machine.directory, 'os'), { 'etc/os-release': 'ID=os\n' });
  for (const words of [[], ['--dry-run']]) {
    const { code, stderr } = await machine.berth('apply', ...store, ...words, root);
    assert.deepEqual(
      [code, /runs what services start, found store/.test(stderr)],
      [2, true],
      stderr,
    );
  }
  const { code, stderr } = await machine.berth('apply', ...store, '--watch', 'soon', root);
  assert.deepEqual([code, /Expected seconds/.test(stderr)], [2, true], stderr);
});

test('an engine that can’t be asked is a plain failure where 0 or 3 is the answer', async (t) => {
  const machine = await startMachine(t);
  machine.environment['CONTAINER_HOST'] = `unix://${machine.directory}/nobody.sock`;
  const asked = await machine.berth('verify', 'os', '--engine', 'podman');
  assert.equal(asked.code, 1, asked.stderr);
  const gated = await machine.berth('gate', '--engine', 'podman');
  assert.equal(gated.code, 0, 'nothing is queued, so no engine is asked');
});

test('--limit-rate holds downloads back', async (t) => {
  const machine = await startMachine(t);
  const bytes = 300_000;
  machine.registry.push('app:1', buildImage({ layers: [{ bytes, seed: 1 }] }));
  const begun = performance.now();
  const { code, stderr } = await machine.berth(
    'pull',
    ...store,
    '--limit-rate',
    '256K',
    `${host}/app:1`,
  );
  assert.equal(code, 0, stderr);
  // It can't be faster, however fast the machine is: all pieces but the last have been waited for.
  const least = (bytes - 64 * 1024) / (256 * 1024);
  assert.ok(performance.now() - begun >= least * 1000);
  for (const rate of ['0', '1X', '-1', '']) {
    const refused = await machine.berth('pull', ...store, '--limit-rate', rate, `${host}/app:1`);
    assert.equal(refused.code, 2, rate);
  }
});

test('--activation can be repeated, also before ROOT', async (t) => {
  const machine = await startMachine(t);
  const root = join(machine.directory, 'os');
  const install = '[Install]\nWantedBy=multi-user.target\n';
  writeRoot(root, {
    ...container('web', `${host}/web:1`, install),
    ...container('idle', `${host}/idle:1`),
    'usr/lib/systemd/system/default.target': '-> multi-user.target',
    'usr/lib/systemd/system/multi-user.target': '[Unit]\n',
  });
  const none = ['--activation', 'none', '--activation', 'socket'];
  for (const words of [
    [...none, root],
    [root, ...none],
  ]) {
    const { code, stdout, stderr } = await machine.berth('images', ...words, '--format', 'refs');
    assert.equal(code, 0, stderr);
    assert.equal(stdout, `${host}/idle:1\n`);
  }
});

test('an unknown id of a root is answered with the known ones', async (t) => {
  const machine = await startMachine(t);
  const aliases = '[aliases]\n"web" = "registry.example.com/web"\n';
  const root = writeRoot(join(machine.directory, 'os'), {
    ...container('web', 'web:1'),
    'etc/containers/registries.conf.d/aliases.conf': aliases,
  });
  machine.registry.push('web:1', buildImage({ layers: [{ bytes: 1000, seed: 1 }] }));
  const staged = await machine.berth('stage', ...store, '--bind', 'all', '--id', 'os', root);
  assert.equal(staged.code, 0, staged.stderr);
  assert.match(staged.stdout, /os is ready on store: 1 image,/);

  const verified = await machine.berth('verify', ...store, 'so');
  assert.equal(verified.code, 3);
  assert.match(verified.stderr, /→ run `berth stage` on it; the roots .* staged here are os$/m);

  // The meaning of a short name comes from the root that uses it.
  const why = await machine.berth('why', ...store, 'web:1', root);
  assert.equal(why.code, 0, why.stderr);
  assert.match(why.stdout, /^registry.example.com\/web:1\n {2}named in .* by web.service/);
  // The root was staged so: its own policy binds nothing.
  assert.match(why.stdout, /: bound, mode all \(--bind\)$/m);

  const unnamed = await machine.berth('why', ...store, 'web:2', root);
  assert.equal(unnamed.code, 0, unnamed.stderr);
  assert.match(
    unnamed.stdout,
    /^registry.example.com\/web:2\n {2}named by nothing in .*\n {2}named there instead: registry.example.com\/web:1\n {2}not present\n/,
  );

  // A unit by its service, its file, and, since no image is called so, by its name alone.
  for (const unit of ['web.service', 'web.container', 'web']) {
    const ofUnit = await machine.berth('why', ...store, unit, root);
    assert.equal(ofUnit.stdout, why.stdout, unit);
  }
  const missing = await machine.berth('why', ...store, 'wbe.service', root);
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /expected the name of an image, or of a unit of .* "wbe.service"/);

  const pins = await machine.berth('pins', ...store);
  assert.match(pins.stdout, /ONCE RELEASED\nos .* for prune\n$/);
  const released = await machine.berth('release', ...store, 'os');
  assert.match(released.stdout, /: 1 pin dropped; 1 image that nobody else wants is left/);
  const again = await machine.berth('release', ...store, 'os');
  assert.equal(again.code, 0);
  assert.equal(
    again.stdout,
    'nothing to release: os is released already; 1 image that nobody else wants is left to `berth prune`\n',
  );
});

test('warnings are no progress: they come without it, too', async (t) => {
  const machine = await startMachine(t);
  const root = writeRoot(join(machine.directory, 'os'), container('web', `${host}/web:1`));
  machine.registry.push('web:1', buildImage({ layers: [{ bytes: 1000, seed: 1 }] }));
  const words = ['stage', ...store, '--bind', 'all', '--id', 'os', root];
  assert.equal((await machine.berth(...words)).code, 0);
  writeFileSync(join(machine.directory, 'state/roots/os.json'), 'damaged');
  const { stderr } = await machine.berth('status', ...store, '--progress', 'none');
  assert.match(stderr, /^warning: the record .*os\.json is damaged: /);
});

test('progress counts no more than was to come', async (t) => {
  const machine = await startMachine(t);
  const shared = { bytes: 30_000, seed: 1 };
  machine.registry.push('a:1', buildImage({ layers: [shared, { bytes: 1000, seed: 2 }] }));
  machine.registry.push('b:1', buildImage({ layers: [shared, { bytes: 1000, seed: 3 }] }));
  const root = writeRoot(join(machine.directory, 'os'), container('b', `${host}/b:1`));
  assert.equal((await machine.berth('pull', ...store, `${host}/a:1`)).code, 0);
  const words = ['--bind', 'all', '--progress', 'json', '--format', 'refs', root];
  const { stderr } = await machine.berth('stage', ...store, ...words);
  const events = stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; bytes?: number });
  const [total = 0] = events.flatMap(({ event, bytes = 0 }) =>
    event === 'fetch-started' ? bytes : [],
  );
  const seen = events.flatMap(({ event, bytes = 0 }) => (event === 'fetch-progress' ? bytes : []));
  assert.ok(total > 1000 && total < 30_000, `${total}`);
  assert.equal(Math.max(...seen), total);
});

test('a stage that fails says the problems of the root as well', async (t) => {
  const machine = await startMachine(t);
  const root = writeRoot(join(machine.directory, 'os'), {
    ...container('a', `${host}/nothing:1`),
    ...container('b', `${host}/b:%H`),
  });
  const { code, stderr } = await machine.berth('stage', ...store, '--bind', 'all', root);
  assert.equal(code, 1);
  assert.match(stderr, /^failed registry.example.com\/nothing:1: /m);
  assert.match(stderr, /^problem specifier .*b\.container:2: /m);
});

test('a stage that binds less than the one before says what it lets go', async (t) => {
  const machine = await startMachine(t);
  machine.registry.push('web:1', buildImage({ layers: [{ bytes: 1000, seed: 1 }] }));
  machine.registry.push('api:1', buildImage({ layers: [{ bytes: 1000, seed: 2 }] }));
  const root = writeRoot(join(machine.directory, 'os'), {
    ...container('web', `${host}/web:1`),
    ...container('api', `${host}/api:1`, '[X-Berth]\nBind=yes\n'),
  });
  const words = ['stage', ...store, '--id', 'os', root];
  assert.equal((await machine.berth(...words, '--bind', 'all')).code, 0);
  const again = await machine.berth(...words);
  assert.match(again.stdout, /os is ready on store: 2 images, /, 'the record keeps --bind');
  const { stdout, stderr } = await machine.berth(...words, '--bind', 'linked');
  assert.match(stdout, /os is ready on store: 1 image, .*; 1 pin dropped\./, stderr);
});
