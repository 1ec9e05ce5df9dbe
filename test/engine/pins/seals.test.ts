import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { EngineError } from '../../../src/engine/errors.ts';
import { SEALED_LABELS } from '../../../src/engine/pins/labels.ts';
import { Seals } from '../../../src/engine/pins/seals.ts';
import { holds } from '../../support/property.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const labels = Object.fromEntries(SEALED_LABELS.map((label) => [label, `of ${label}`]));

test('a seal is right for its container and labels alone', async (t) => {
  const seals = new Seals(join(temporaryDirectory(t), 'pins.key'));
  const seal = seals.make('pin', labels);
  assert.ok(seals.isRight('pin', labels, seal));
  assert.ok(!seals.isRight('pin', labels, undefined));
  assert.ok(!seals.isRight('other', labels, seal));
  await holds(
    200,
    fc.property(
      fc.constantFrom(...SEALED_LABELS),
      fc.string(),
      fc.string(),
      (label, value, text) => {
        fc.pre(value !== labels[label]);
        assert.ok(!seals.isRight('pin', { ...labels, [label]: value }, seal));
        assert.ok(!seals.isRight('pin', labels, text));
      },
    ),
  );
});

test('a seal names the keeper, and that of earlier versions stays valid', (t) => {
  const seals = new Seals(join(temporaryDirectory(t), 'pins.key'));
  const own = { ...labels, 'berth.keeper': 'own' };
  const root = { ...labels, 'berth.keeper': 'podman:app' };
  const [earlier, ofOwn, ofRoot] = [labels, own, root].map((of) => seals.make('pin', of));
  assert.equal(ofOwn, earlier);
  assert.ok(seals.isRight('pin', root, ofRoot));
  assert.ok(!seals.isRight('pin', own, ofRoot));
  assert.ok(!seals.isRight('pin', labels, ofRoot));
  assert.ok(!seals.isRight('pin', root, ofOwn));
  assert.ok(!seals.isRight('pin', { ...root, 'berth.keeper': 'podman:other' }, ofRoot));
});

test('a seal of one run is valid in the next, and with no other key', (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'state/pins.key');
  const seal = new Seals(path).make('pin', labels);
  assert.ok(new Seals(path).isRight('pin', labels, seal));
  assert.ok(!new Seals(join(directory, 'none')).isRight('pin', labels, seal));
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(statSync(path).size, 32);
  assert.deepEqual(readdirSync(join(directory, 'state')), ['pins.key'], 'nothing is left over');
});

test('a key that another berth replaced counts at once', (t) => {
  const path = join(temporaryDirectory(t), 'pins.key');
  const [one, other] = [new Seals(path), new Seals(path)];
  const old = one.make('pin', labels);
  writeFileSync(path, Buffer.alloc(32, 1));
  assert.ok(!one.isRight('pin', labels, old));
  assert.ok(other.isRight('pin', labels, one.make('pin', labels)));
});

test('looking makes no key, and one that is made meanwhile is seen', (t) => {
  const path = join(temporaryDirectory(t), 'pins.key');
  const one = new Seals(path);
  assert.ok(!one.isRight('pin', labels, 'AAAA'));
  assert.equal(statSync(path, { throwIfNoEntry: false }), undefined);
  const seal = new Seals(path).make('pin', labels);
  assert.ok(one.isRight('pin', labels, seal));
});

test('a key that is damaged is replaced', (t) => {
  const path = join(temporaryDirectory(t), 'pins.key');
  for (const content of ['', 'torn', 'x'.repeat(33)]) {
    writeFileSync(path, content);
    assert.ok(!new Seals(path).isRight('pin', labels, 'AAAA'));
    const seal = new Seals(path).make('pin', labels);
    assert.ok(new Seals(path).isRight('pin', labels, seal));
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(new Seals(path).make('pin', labels), seal, 'and then it stays');
  }
});

test('a link in the place of the key leads nowhere', (t) => {
  const directory = temporaryDirectory(t);
  const elsewhere = join(directory, 'elsewhere');
  writeFileSync(elsewhere, 'x'.repeat(32));
  symlinkSync(elsewhere, join(directory, 'pins.key'));
  new Seals(join(directory, 'pins.key')).make('pin', labels);
  assert.equal(readFileSync(elsewhere, 'utf8'), 'x'.repeat(32));
  assert.ok(lstatSync(join(directory, 'pins.key')).isFile());
});

test('where no key can be made, it is said', (t) => {
  const path = join(temporaryDirectory(t), 'pins.key');
  mkdirSync(path);
  assert.throws(
    () => new Seals(path).make('pin', labels),
    (error) => error instanceof EngineError && error.message.includes(path),
  );
});

test('many processes that make the key at once all seal with the same key', async (t) => {
  const path = join(temporaryDirectory(t), 'state/pins.key');
  const module = resolve(import.meta.dirname, '../../../src/engine/pins/seals.ts');
  const script = `import { Seals } from ${JSON.stringify(module)}; process.stdin.once('data', () => {
    console.log(new Seals(process.argv[1]).make('pin', {})); process.exit();
  }); console.log('ready');`;
  const words = ['--input-type=module-typescript', '--eval', script, path];
  const children = Array.from({ length: 8 }, () =>
    spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] }),
  );
  const said = children.map(({ stdout }) => stdout.setEncoding('utf8').toArray());
  await Promise.all(children.map(({ stdout }) => once(stdout, 'readable')));
  for (const { stdin } of children) stdin.write('now');
  const seals = (await Promise.all(said)).map((parts) => parts.join(''));
  assert.equal(new Set(seals).size, 1, seals.join('\n'));
  assert.match(seals[0] ?? '', /^ready\n\S{43}\n$/);
  assert.deepEqual(readdirSync(dirname(path)), ['pins.key']);
});
