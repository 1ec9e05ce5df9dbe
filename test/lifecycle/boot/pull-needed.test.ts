import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { bindingsOf } from '../../../src/binding/bindings.ts';
import { survey } from '../../../src/binding/survey.ts';
import type { EngineImage } from '../../../src/engine/engine.ts';
import { isPullNeeded } from '../../../src/lifecycle/boot/pull-needed.ts';
import { openRoot } from '../../../src/root/open-root.ts';
import type { RootRecord } from '../../../src/state/record.ts';
import { writeRoot } from '../../support/berth.ts';
import { engineImage, recordImage, stagedRecord, storeWith } from '../../support/samples.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const name = 'registry.example.com/app:1';
const units = 'usr/share/containers/systemd';
const dropIn = '[Service]\nExecCondition=/usr/bin/berth activate --pull-needed %n\n';

async function surveyOf(directory: string, files: Readonly<Record<string, string>>) {
  const root = openRoot(writeRoot(directory, files));
  try {
    const found = await survey(root, { bind: 'all', compose: [] });
    return { said: found.problems, ...bindingsOf(found, root, 'bound') };
  } finally {
    root.close();
  }
}

/** The record that staging the bindings would write. */
function recordOf({ bindings }: Awaited<ReturnType<typeof surveyOf>>): RootRecord {
  const references = bindings.flatMap((binding) => [...binding.references]);
  const image = recordImage('a', name);
  const names = image.names.map((served) => ({ ...served, references }));
  return stagedRecord('os', { ...image, names });
}

test('the service of a .image unit need not pull what is on record and there', async (t) => {
  const directory = temporaryDirectory(t);
  const found = await surveyOf(join(directory, 'os'), {
    [`${units}/app.image`]: `[Image]\nImage=${name}\nServiceName=fetch\n[X-Berth]\nBind=no\n`,
    [`${units}/app.container`]: '[Container]\nImage=app.image\n',
  });
  const record = recordOf(found);
  const having = (...images: EngineImage[]) => storeWith([], images, []);
  const there = having(engineImage('a', name));
  assert.equal(isPullNeeded(record, there, 'fetch.service'), false, 'by the container alone');
  assert.equal(isPullNeeded(record, there, 'app-image.service'), true, 'a service nobody knows');
  assert.equal(isPullNeeded(record, having(), 'fetch.service'), true, 'the image is not there');
  assert.equal(isPullNeeded(undefined, there, 'fetch.service'), true, 'no record');
  const drifted = having(engineImage('b', name));
  assert.equal(isPullNeeded(record, drifted, 'fetch.service'), false, 'the name has drifted');
  const { staged: pending, ...rest } = record;
  assert.ok(pending !== undefined);
  const begun = { ...rest, pending };
  assert.equal(isPullNeeded(begun, there, 'fetch.service'), true, 'it was never staged');
  const applied = { ...begun, staged: { ...pending, images: [] } };
  assert.equal(isPullNeeded(applied, there, 'fetch.service'), false, 'a running root names it');
});

test('a .image unit that asks berth first starts offline', async (t) => {
  const directory = temporaryDirectory(t);
  const image = { [`${units}/app.image`]: `[Image]\nImage=${name}\n` };
  const codes = async (place: string, more: Readonly<Record<string, string>>) =>
    (await surveyOf(join(directory, place), { ...image, ...more })).said.map((p) => p.code);
  assert.deepEqual(await codes('plain', {}), ['pull-always']);
  const path = `${units}/image.d/10-berth.conf`;
  assert.deepEqual(await codes('asks', { [path]: dropIn }), []);
  for (const [i, other] of [
    dropIn.replace('=/', '=-/'),
    dropIn.replace('berth activate', 'other activate'),
    dropIn.replace('%n', 'x.service'),
    dropIn.replace('[Service]', '[Image]'),
  ].entries()) {
    const found = await codes(`other${i}`, { [path]: other });
    assert.notDeepEqual(found, [], other);
  }
});
