import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readConfig } from '../../src/cli/config.ts';
import { temporaryDirectory } from '../support/temporary.ts';

test('configuration: where Compose files are', async (t) => {
  const directory = temporaryDirectory(t);
  assert.deepEqual(await readConfig([directory], undefined), { compose: [], heldDays: 7 });
  const file = join(directory, 'berth.toml');
  writeFileSync(file, 'compose = ["/etc/compose/*", "/opt/a.yaml"]\n');
  const { compose } = await readConfig([directory], undefined);
  assert.deepEqual(compose, ['/etc/compose/*', '/opt/a.yaml']);
  mkdirSync(join(directory, 'berth.toml.d'));
  writeFileSync(join(directory, 'berth.toml.d/a.toml'), 'compose = []\n');
  assert.deepEqual(await readConfig([directory], undefined), { compose: [], heldDays: 7 });
  for (const value of ['"/etc/a"', '["etc/a"]', '[1]']) {
    writeFileSync(file, `engine = "store"\ncompose = ${value}\n`);
    await assert.rejects(readConfig([directory], undefined), /berth\.toml:2: compose is /, value);
  }
});
