import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'node:test';
import { container, startMachine, writeRoot } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';
import { skipPodman } from '../support/podman.ts';

const home = resolve(import.meta.dirname, '../..');
const host = 'registry.example.com';

test('the commands of docs/offline.md do what it says', { skip: skipPodman }, async (t) => {
  const text = readFileSync(join(home, 'docs/offline.md'), 'utf8');
  const blocks = [...text.matchAll(/^```sh\n# ([^\n]*)\n(.*?)^```$/gms)];
  const all = text.match(/^```./gm);
  assert.equal(blocks.length, all?.length, 'each block says where it is run');
  const machine = await startMachine(t);
  const image = (seed: number) => buildImage({ layers: [{ bytes: 1000, seed }] });
  machine.registry.push('web:1', image(1));
  machine.registry.push('web:2', image(2));
  const bind = { 'usr/lib/berth/berth.toml': '[bind]\nmode = "all"\n' };
  const path = (name: string) => join(machine.directory, name);
  writeRoot(path('rootfs'), { ...bind, ...container('web', `${host}/web:1`) });
  writeRoot(path('next'), { ...bind, ...container('web', `${host}/web:2`) });
  mkdirSync(path('bin'));
  const words = [process.execPath, join(home, 'src/cli/main.ts'), '"$@"', '--engine', 'store'];
  writeFileSync(path('bin/berth'), `#!/bin/sh\nexec ${words.join(' ')}\n`);
  chmodSync(path('bin/berth'), 0o755);
  machine.environment['PATH'] = `${path('bin')}:${process.env['PATH']}`;
  const state = { 'Where there is a network': 'state', 'At the site': 'site' };
  for (const [, where = '', script = ''] of blocks) {
    const found = Object.entries(state).find(([place]) => place === where)?.[1];
    assert.ok(found, where);
    machine.environment['BERTH_STATE_DIR'] = path(found);
    machine.registry.fault = () => (found === 'site' ? { status: 404 } : undefined);
    const ran = await machine.program(
      'sh',
      '-euc',
      'cd "$0" && eval "$1"',
      machine.directory,
      script,
    );
    assert.equal(ran.code, 0, `${script}${ran.stderr}`);
  }
});
