import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { container, startMachine, writeRoot } from '../support/berth.ts';
import { startFaultRegistry, type Trouble } from '../support/fault-registry.ts';
import { badDigests } from '../support/hostile-image.ts';
import { buildImage } from '../support/image-builder.ts';
import { HOST, login } from './site.ts';

const basic = Buffer.from(`${login.username}:${login.password}`).toString('base64');
const secrets = [login.password, encodeURIComponent(login.password), basic, 'token-'];

const troubles: readonly Trouble[] = [
  { kind: 'echo', status: 401 },
  { kind: 'echo', status: 403 },
  { kind: 'elsewhere', status: 307, does: 'asks' },
  { kind: 'elsewhere', status: 302, does: 'fails' },
  { kind: 'circle', hosts: 1 },
  { kind: 'circle', hosts: 2 },
  { kind: 'altered' },
];

test('what the command line says of bad registries has no credentials in it, nor has the state', async (t) => {
  const machine = await startMachine(t);
  const fault = await startFaultRegistry(t, { auth: { bearer: login } });
  const { host } = fault.registry;
  writeFileSync(
    join(machine.directory, 'registries.conf'),
    `[[registry]]\nprefix = "${HOST}"\nlocation = "${host}"\ninsecure = true\n`,
  );
  const auth = join(machine.directory, 'auth.json');
  writeFileSync(
    auth,
    JSON.stringify({ auths: { [HOST]: { auth: basic }, [host]: { auth: basic } } }),
  );
  machine.environment['REGISTRY_AUTH_FILE'] = auth;
  fault.push('app:1', buildImage({ layers: [{ bytes: 1000, seed: 1 }] }));
  const root = writeRoot(join(machine.directory, 'os'), container('app', `${HOST}/app:1`));
  const words = ['stage', '--engine', 'store', '--bind', 'all', '--id', 'os'];
  for (const trouble of troubles) {
    for (const stage of ['manifest', 'blob'] as const) {
      fault.plan([{ stage, after: 0, times: Number.POSITIVE_INFINITY, trouble }]);
      // With what the name meant in an earlier run, manifests would not be asked for.
      rmSync(join(machine.directory, 'state/names.json'), { force: true });
      const more = ['--progress', 'json', '--format', 'json', root];
      const { code, stdout, stderr } = await machine.berth(...words, ...more);
      // A registry at fault may be better later.
      assert.ok(code === 1 || code === 5, `${JSON.stringify(trouble)}: ${code} ${stderr}`);
      for (const secret of secrets) assert.ok(!`${stdout}${stderr}`.includes(secret), stderr);
    }
  }
  assert.deepEqual(fault.leaked(), []);
  fault.plan([]);
  assert.equal((await machine.berth(...words, root)).code, 0);
  for (const text of everyFileOf(join(machine.directory, 'state'))) {
    for (const secret of secrets) assert.ok(!text.includes(secret));
  }
});

test('names and digests that try to climb out of the store write nothing elsewhere', async (t) => {
  const machine = await startMachine(t);
  const outside = join(machine.directory, 'outside');
  mkdirSync(outside);
  const climbing = [
    `${HOST}/../../../outside/a:1`,
    `${HOST}/a/../../outside/a:1`,
    `${HOST}/app:../../outside`,
    `${HOST}//outside/a:1`,
    `../outside/a`,
    `${HOST}/app%2f..%2foutside:1`,
    ...badDigests
      .filter((digest) => !digest.includes('\n') && !digest.includes('\0'))
      .map((d) => `${HOST}/app@${d}`),
  ];
  const units = climbing.map((name, i) => container(`app${i}`, name));
  const root = writeRoot(join(machine.directory, 'os'), Object.assign({}, ...units));
  const stage = ['stage', '--engine', 'store', '--bind', 'all'];
  const before = readdirSync(machine.directory).sort();
  const { code, stdout } = await machine.berth(...stage, '--id', 'os', '--format', 'json', root);
  assert.notEqual(code, 0);
  const { images }: { readonly images: readonly unknown[] } = JSON.parse(stdout);
  assert.deepEqual(images, []);
  for (const id of ['../outside', '..', 'a/../../outside', '/tmp/outside', '.hidden', '']) {
    const { code: answer, stderr } = await machine.berth(...stage, '--id', id, root);
    assert.equal(answer, 2, `${id}: ${stderr}`);
  }
  assert.deepEqual(readdirSync(outside), []);
  assert.deepEqual(
    readdirSync(machine.directory).sort(),
    [...before, 'state'].sort(),
    'nothing beside the state',
  );
});

function everyFileOf(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));
}
