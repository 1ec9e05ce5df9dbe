import assert from 'node:assert/strict';
import { chownSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { type Machine, startMachine } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';
import { layeredImage } from '../support/layered-image.ts';
import { writeLayout } from '../support/oci-layout.ts';
import { home, mallory, marker, secret, sharedLayer, skip, writeShared } from './mallory.ts';

const units = 'usr/share/containers/systemd';
const bound = '[X-Berth]\nBind=yes\n';
const own = `${home}/.config/containers/systemd`;

/** An OS with one image, which is all that it needs to be ready. */
const os = {
  [`${units}/app.container`]: `[Container]\nImage=registry.example.com/app:1\n${bound}`,
  'etc/app/secret.env': `DB_PASSWORD=${secret}\n`,
};

/** What mallory puts into her home to be read, bound, or in the way. */
function attack(host: string): Record<string, string> {
  return {
    [`${own}/leak.container`]: `[Container]\nImage=${host}/leak:\${DB_PASSWORD}\n[Service]\nEnvironmentFile=/etc/app/secret.env\n${bound}`,
    [`${own}/environ.container`]: `[Container]\nImage=${host}/leak:\${PATH}\n[Service]\nEnvironmentFile=/proc/1/environ\n${bound}`,
    [`${own}/auth.image`]: `[Image]\nImage=${host}/${marker}:1\nAuthFile=/etc/app/auth.json\nTLSVerify=false\n${bound}`,
    [`${own}/shadow.kube`]: `[Kube]\nYaml=/etc/app/secret.env\n${bound}`,
    [`${own}/gone.container`]: `[Container]\nImage=nosuch.invalid/x:1\n${bound}`,
    [`${own}/crash.build`]: `[Build]\nImageTag=localhost/c:1\nFile=./Containerfile\n${bound}`,
    [`${own}/Containerfile`]: `FROM scratch\nRUN ${'<<a '.repeat(150_000)}\n`,
    [`${own}/lines.container`]: `[Container]\nImage=a.example/x:1\n[X-Berth]\n${'Bind=yes\n'.repeat(100_000)}`,
    [`${home}/.config/systemd/user/run.service`]: `[Service]\nEnvironmentFile=/etc/app/secret.env\nExecStart=/usr/bin/podman run ${host}/leak:\${DB_PASSWORD}\n${bound}`,
  };
}

const modes = { 'etc/app/secret.env': 0o600, 'etc/app/auth.json': 0o600 };

function files(machine: Machine): Record<string, string> {
  const { host } = machine.registry;
  const auth = Buffer.from(`root:${secret}`).toString('base64');
  const password = { 'etc/app/auth.json': `{"auths":{"${host}":{"auth":"${auth}"}}}` };
  return { ...os, ...password, ...attack(host) };
}

function judge(machine: Machine, { stdout, stderr }: { stdout: string; stderr: string }): void {
  for (const request of machine.registry.requests) {
    assert.match(request.path, /^\/v2\/(?:app\/.*)?$/);
    assert.equal(request.authorization, undefined);
  }
  for (const text of [stdout, stderr]) {
    assert.ok(!text.includes(secret) && !text.includes(marker), text);
    assert.doesNotMatch(text, /fault of berth itself/);
  }
}

test('a home binds nothing, fails nothing and is told nothing, in a directory', {
  skip,
}, async (t) => {
  const machine = await startMachine(t);
  machine.registry.push('app:1', buildImage({ layers: [{ bytes: 1000, seed: 1 }] }));
  const root = writeShared(join(machine.directory, 'root'), files(machine), modes);
  const active = join(machine.directory, 'active');
  const config = join(machine.directory, 'berth.toml');
  writeFileSync(active, 'slot\n');
  writeFileSync(
    config,
    `engine = "store"\n[directories]\nroots = [{ id = "slot", path = "${root}" }]\nactive = { file = "${active}" }\n`,
  );
  for (const words of [
    ['reconcile'],
    ['verify', 'slot'],
    ['activate'],
    ['stage', '--id', 'by-hand', '--bind', 'all', root],
    ['gate'],
  ]) {
    const outcome = await machine.berth(...words, '--config', config);
    assert.equal(outcome.code, 0, `${words.join(' ')}: ${outcome.stderr}`);
    judge(machine, outcome);
  }
  chownSync(join(root, 'usr/share/containers/systemd/app.container'), mallory, mallory);
  const linted = await machine.berth('lint', '--offline', root);
  assert.match(linted.stderr + linted.stdout, /warning user-writable .*\/app\.container: /);
  const listed = await machine.berth('images', '--config', config, root);
  assert.match(
    listed.stderr,
    /note user-writable \/home\/mallory\/\.config: .* in the home of mallory/,
  );
  judge(machine, listed);
});

test('the same in an OS image', { skip }, async (t) => {
  const machine = await startMachine(t);
  machine.registry.push('app:1', buildImage({ layers: [{ bytes: 1000, seed: 1 }] }));
  const layout = join(machine.directory, 'layout');
  const archive = sharedLayer(files(machine), modes);
  writeLayout(layout, 'os', layeredImage([{ archive, compression: 'none' }]));
  const spec = `image:oci:${layout}:os`;
  for (const words of [['stage', '--bind', 'all'], ['verify'], ['images']]) {
    const store = words[0] === 'images' ? [] : ['--engine', 'store'];
    const outcome = await machine.berth(...words, ...store, spec);
    assert.equal(outcome.code, 0, `${words.join(' ')}: ${outcome.stderr}`);
    judge(machine, outcome);
  }
});
