import assert from 'node:assert/strict';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { type Machine, startMachine } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';
import { secret, skip, writeShared } from './mallory.ts';

const units = 'usr/share/containers/systemd';
const registry = 'registry.example.com';
const environment = `[Service]\nEnvironmentFile=/etc/app/secret.env\n`;

/** A root that takes tags from a file that root alone may read, in every way in which that is done. */
function writeRoot(machine: Machine): string {
  const unit = (image: string) => `[Container]\nImage=${registry}/${image}\n${environment}`;
  const service = (line: string) => `${environment}ExecStart=${line}\n`;
  return writeShared(
    join(machine.directory, 'root'),
    {
      'etc/app/secret.env': `TAG=${secret}\nBAD="No Tag/${secret}!"\nPATHS=team/${secret}\nLONG=${secret}!${'x'.repeat(200)}\nSHORT=7x\nQUOTED='${secret}"\\\\x'\n`,
      [`${units}/app.container`]: unit('app:${TAG}'),
      [`${units}/bad.container`]: unit('bad:${BAD}'),
      [`${units}/long.container`]: unit('long:${LONG}'),
      [`${units}/gone.container`]: unit('gone:${TAG}'),
      [`${units}/path.container`]: unit('${PATHS}:1'),
      [`${units}/short.container`]: unit('short:${SHORT}'),
      'usr/lib/systemd/system/run.service': service(`/usr/bin/podman run ${registry}/run:\${TAG}`),
      'usr/lib/systemd/system/sh.service': service(
        `/bin/sh -c "podman run ${registry}/sh:$BAD; podman run ${registry}/sh:$TAG"`,
      ),
      'usr/lib/systemd/system/long.service': service(
        `/bin/sh -c "podman run ${registry}/long:$LONG"`,
      ),
      'usr/lib/systemd/system/quoted.service': service(
        `/bin/sh -c "podman run ${registry}/quoted:$QUOTED"`,
      ),
      'etc/containers/systemd/users/u.container': unit('user:${TAG}'),
      'srv/compose/.env': `TAG=${secret}\nLONG="${secret}!${'y'.repeat(150)}"\nQUOTED="${secret}\\"z"\n`,
      'srv/compose/public.env': 'MADE=x-${TAG}\n',
      'srv/compose/made.yaml': `services:\n  made: {image: "${registry}/made:\${MADE}"}\n`,
      'srv/compose/compose.yaml': `include:\n  - {path: made.yaml, env_file: public.env}\nservices:\n  c: {image: "${registry}/c:\${LONG}"}\n  d: {image: "${registry}/d:\${QUOTED}"}\n  a: {image: "${registry}/compose:\${TAG}"}\n  b: {image: "${registry}/compose b:\${TAG}"}\n`,
      [`${units}/yaml.kube`]: '[Kube]\nYaml=/etc/app/private.yaml\n',
      'etc/app/private.yaml': `kind: Pod\nspec: {containers: [{name: c, image: "No Image ${secret}"}]}\n`,
    },
    {
      'etc/app/secret.env': 0o600,
      'srv/compose/.env': 0o600,
      'etc/app/private.yaml': 0o640,
    },
  );
}

test('a value of a file that root alone may read is used, and quoted to nobody', {
  skip,
}, async (t) => {
  const machine = await startMachine(t);
  const root = writeRoot(machine);
  for (const [seed, name] of ['app', 'run', 'compose', `team/${secret}`].entries()) {
    const image = buildImage({ layers: [{ bytes: 1000, seed }] });
    machine.registry.push(`${name}:${name.includes('/') ? '1' : secret}`, image);
  }
  const config = join(machine.directory, 'berth.toml');
  const active = join(machine.directory, 'active');
  writeFileSync(active, 'slot\n');
  writeFileSync(
    config,
    `engine = "store"\ncompose = ["/srv/compose"]\n[directories]\nroots = [{ id = "slot", path = "${root}" }]\nactive = { file = "${active}" }\n`,
  );
  const run = (...words: string[]) => machine.berth(...words, '--config', config);
  const said: string[] = [];
  const staged = await run('stage', '--bind', 'all', '--id', 'os', '--progress', 'plain', root);
  said.push(staged.stdout, staged.stderr);
  assert.match(staged.stderr, /fetched {2}registry\.example\.com\/app:\$\{TAG\} /);
  assert.match(staged.stderr, /registry\.example\.com\/gone:\$\{TAG\}/);
  for (const words of [
    ['images', root],
    ['plan', '--bind', 'all', root],
    ['lint', root],
    ['lint', '--format', 'github', root],
    ['lint', '--format', 'sarif', root],
    ['lock', '--bind', 'all', root],
    ['gate'],
    ['verify', 'os'],
    ['status'],
    ['why', `${registry}/app:${secret}`, root],
    ['report'],
    ['report', '--bind', 'all', root],
    ['pins'],
    ['reconcile'],
  ]) {
    const { stdout, stderr } = await run(...words);
    said.push(stdout, stderr);
  }
  for (const text of said) assert.ok(!text.includes(secret), text);
  const path = join(machine.directory, 'state/roots/os.json');
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.ok(readFileSync(path, 'utf8').includes(`/app:${secret}`));
  const asked = machine.registry.requests.map((request) => request.path);
  for (const name of ['app', 'run', 'compose']) {
    assert.ok(asked.includes(`/v2/${name}/manifests/${secret}`), name);
  }
  // Users may not read the file, and their podman neither.
  assert.ok(!asked.some((asking) => asking.includes('/user/')));
});

test('JSON has the names, and no message with a value in it', { skip }, async (t) => {
  const machine = await startMachine(t);
  const root = writeRoot(machine);
  const words = [
    '--engine',
    'store',
    '--bind',
    'all',
    '--format',
    'json',
    '--progress',
    'json',
    root,
  ];
  const { stdout, stderr } = await machine.berth('plan', ...words);
  const messages: string[] = [];
  JSON.parse(stdout, (key, value: unknown) => {
    if (key === 'message' || key === 'hint') messages.push(String(value));
    return value;
  });
  assert.ok(messages.length >= 6);
  for (const text of [...messages, stderr]) assert.ok(!text.includes(secret), text);
  const listed = await machine.berth('images', '--format', 'refs', root);
  assert.match(listed.stdout, new RegExp(`^${registry}/app:${secret}$`, 'm'));
});

test('a file that everybody may read is quoted as ever', { skip }, async (t) => {
  const machine = await startMachine(t);
  const root = writeRoot(machine);
  chmodSync(join(root, 'etc/app/secret.env'), 0o644);
  const { stdout, stderr } = await machine.berth(
    'plan',
    '--engine',
    'store',
    '--bind',
    'all',
    root,
  );
  assert.match(stdout + stderr, new RegExp(secret));
});
