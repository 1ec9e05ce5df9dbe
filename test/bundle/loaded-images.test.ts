import assert from 'node:assert/strict';
import test from 'node:test';
import * as v from 'valibot';
import * as schemas from '../../src/documents/schemas.ts';
import { hostPlatform } from '../../src/image/platform.ts';
import { buildImage } from '../support/image-builder.ts';
import { asSite, made, startLab, storedIn } from './lab.ts';
import { startSite } from './site.ts';

test('a loaded image overrides the registry until it is staged, and replaces an unreachable one afterwards', async (t) => {
  const lab = await startLab(t);
  await made(lab);
  const { machine } = lab;
  const { registry } = machine;
  const newer = buildImage({ layers: [{ bytes: 1000, seed: 9 }] });
  registry.push('api:1', newer);
  asSite(lab.machine);
  const planned = async (...words: string[]) => {
    const { stdout, stderr } = await machine.berth(
      'plan',
      '--engine',
      'store',
      '--format',
      'json',
      ...words,
    );
    assert.notEqual(stdout, '', stderr);
    const { images } = v.parse(schemas.Plan, JSON.parse(stdout));
    return images.flatMap((of) => of.names.map(({ name, digest }) => `${name} ${digest}`)).sort();
  };
  const online = await planned(lab.root);
  await machine.berth('load', lab.file, '--engine', 'store');
  const loaded = await planned(lab.root);
  assert.notDeepEqual(loaded, online);
  await machine.berth('stage', '--id', 'a', '--engine', 'store', lab.root);
  assert.deepEqual(await planned('--id', 'b', lab.root), online, 'another root asks the registry');
  await registry.close();
  assert.deepEqual(await planned('--id', 'b', lab.root), loaded);
});

test('a loaded image is removed only when nobody else stages from it', async (t) => {
  const lab = await startLab(t);
  const bundle = await made(lab);
  const site = startSite(t);
  const { images } = await site.load([bundle]);
  const [one, other] = [await site.open(), await site.open()];
  assert.ok(one && other);
  const held = site.blobs().size;
  await one.staged(images);
  assert.equal(site.blobs().size, held, 'another may be reading them');
  await one.close();
  await other.staged(images);
  assert.equal(site.blobs().size, 3, 'two manifests and an index');
  const name = images[0]?.name ?? '';
  assert.equal(
    other.awaiting.find(name, hostPlatform()) === undefined,
    false,
    'until it is closed',
  );
  await other.close();
  const later = await site.open();
  assert.ok(later);
  assert.equal(later.awaiting.find(name, hostPlatform()), undefined);
  assert.ok(later.all.find(name, hostPlatform()));
  await later.forget(new Set());
  await later.close();
  assert.deepEqual([await site.open(), site.blobs().size], [undefined, 0]);
});

test('prune forgets what was loaded once no root has it on record', async (t) => {
  const lab = await startLab(t);
  await made(lab);
  const state = asSite(lab.machine);
  const { machine } = lab;
  const { registry } = machine;
  await registry.close();
  await machine.berth('load', lab.file, '--engine', 'store');
  await machine.berth('stage', '--id', 'a', '--engine', 'store', lab.root);
  await machine.berth('release', 'a', '--engine', 'store');
  await machine.berth('load', lab.file, '--engine', 'store');
  const again = await machine.berth('prune', '--force', '--engine', 'store');
  assert.equal(again.code, 0, again.stderr);
  assert.equal((await machine.berth('stage', '--id', 'b', '--engine', 'store', lab.root)).code, 0);
  await machine.berth('release', 'b', '--engine', 'store');
  const { code, stderr } = await machine.berth('prune', '--force', '--engine', 'store');
  assert.equal(code, 0, stderr);
  assert.deepEqual(storedIn(state), []);
});
