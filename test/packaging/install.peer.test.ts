import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { install } from '../support/installed.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** Every file below a directory, by its path in it, with its mode. */
function listing(directory: string): Record<string, string> {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
  return Object.fromEntries(
    files
      .map((path) => ({ path, stat: lstatSync(join(directory, path)) }))
      .filter(({ stat }) => stat.isFile())
      .map(({ path, stat }) => [path, (stat.mode & 0o7777).toString(8)]),
  );
}

test('what is installed, and where', (t) => {
  const directory = temporaryDirectory(t);
  install(directory);
  const files = listing(directory);
  const besides = Object.keys(files).filter((path) => !/share\/(man\/man1|doc)\//.test(path));
  assert.deepEqual(besides, [
    'usr/bin/berth',
    'usr/lib/greenboot/check/required.d/50-berth.sh',
    'usr/lib/systemd/system-preset/90-berth.preset',
    'usr/lib/systemd/system/berth-activate-kubernetes.path',
    'usr/lib/systemd/system/berth-activate-kubernetes.service',
    'usr/lib/systemd/system/berth-activate-users.service',
    'usr/lib/systemd/system/berth-activate.service',
    'usr/lib/systemd/system/berth-bootc-status.socket',
    'usr/lib/systemd/system/berth-bootc-status@.service',
    'usr/lib/systemd/system/berth-gate.service',
    'usr/lib/systemd/system/berth-reconcile.service',
    'usr/lib/systemd/system/berth-reconcile.timer',
    'usr/lib/systemd/system/berth-stage.path',
    'usr/lib/systemd/system/berth-watch.service',
    ...['bootc-fetch-apply-updates', 'containerd', 'crio', 'docker', 'kubelet', 'user@'].map(
      (unit) => `usr/lib/systemd/system/${unit}.service.d/10-berth.conf`,
    ),
    'usr/libexec/berth/upgrade',
    'usr/share/bash-completion/completions/berth',
    ...['artifact', 'build', 'container', 'image', 'kube', 'pod', 'volume'].map(
      (type) => `usr/share/containers/systemd/${type}.d/10-berth.conf`,
    ),
    'usr/share/fish/vendor_completions.d/berth.fish',
    'usr/share/licenses/berth/LICENSE',
    'usr/share/man/man5/berth.toml.5',
    'usr/share/man/man8/berth-systemd.8',
    'usr/share/zsh/site-functions/_berth',
  ]);
  for (const path of [
    'man/man1/berth.1',
    'man/man1/berth-stage.1',
    'doc/berth/docs/commands.md',
    'doc/berth/NOTICES',
    'doc/berth/berth.spdx.json',
  ]) {
    assert.ok(files[`usr/share/${path}`], path);
  }
  for (const [path, mode] of Object.entries(files)) {
    assert.equal(mode, /bin\/berth$|\.sh$|libexec/.test(path) ? '755' : '644', path);
  }
  install(directory);
  assert.deepEqual(listing(directory), files, 'a second time');
});

test('the links of the installed documents lead somewhere', (t) => {
  const directory = temporaryDirectory(t);
  install(directory);
  const documents = join(directory, 'usr/share/doc/berth');
  const pages = Object.keys(listing(documents)).filter((path) => path.endsWith('.md'));
  const dead = pages.flatMap((page) =>
    [...readFileSync(join(documents, page), 'utf8').matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)]
      .map(([, link = '']) => link)
      .filter((link) => !existsSync(join(documents, dirname(page), link)))
      .map((link) => `${page}: ${link}`),
  );
  assert.ok(pages.length > 5);
  assert.deepEqual(dead, []);
});

test('units and drop-ins name the program below PREFIX', (t) => {
  const directory = temporaryDirectory(t);
  install(directory, '/opt/acme');
  const named = Object.keys(listing(directory))
    .filter((path) => /\.(service|conf)$/.test(path))
    .flatMap((path) =>
      [
        ...readFileSync(join(directory, path), 'utf8').matchAll(
          /^Exec\w+=.*?(\/\S*\/bin\/berth) /gm,
        ),
      ].map(([, program]) => program),
    );
  assert.deepEqual(named, Array(11).fill('/opt/acme/bin/berth'));
  const flow = 'opt/acme/lib/systemd/system/bootc-fetch-apply-updates.service.d/10-berth.conf';
  assert.match(
    readFileSync(join(directory, flow), 'utf8'),
    /^ExecStart=\/opt\/acme\/libexec\/berth\/upgrade$/m,
  );
});

/** A unit of each type that has an image. */
const units: Readonly<Record<string, string>> = {
  'web.container': '[Container]\nImage=registry.example.com/web:1\n',
  'play.kube': '[Kube]\nYaml=play.yaml\n',
  'group.pod': '[Pod]\n',
  'data.volume': '[Volume]\nDriver=image\nImage=registry.example.com/data:1\n',
  'base.image': '[Image]\nImage=registry.example.com/base:1\n',
  'own.build': '[Build]\nImageTag=localhost/own:1\nSetWorkingDirectory=/\n',
};

test('podman puts the drop-ins into the services of every type', (t) => {
  const directory = temporaryDirectory(t);
  install(directory);
  const place = join(directory, 'usr/share/containers/systemd');
  for (const [name, text] of Object.entries(units)) writeFileSync(join(place, name), text);
  writeFileSync(join(place, 'play.yaml'), 'kind: Pod\n');
  const script = fileURLToPath(new URL('../../scripts/trixie-podman.sh', import.meta.url));
  const quadlet = execFileSync(script, { encoding: 'utf8' }).trim();
  const output = execFileSync(quadlet, ['-dryrun'], {
    env: { QUADLET_UNIT_DIRS: place },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const services = new Map(
    output.split(/^---/m).map((part) => [part.slice(0, part.indexOf('---')), part]),
  );
  const names = ['web', 'play', 'group-pod', 'data-volume', 'base-image', 'own-build'];
  for (const name of names) {
    const service = services.get(`${name}.service`);
    assert.ok(service, name);
    assert.match(service, /^After=berth-activate\.service$/m, name);
    assert.equal(/^(Requires|Wants|BindsTo)=.*berth/m.test(service), false, name);
    const condition = /^ExecCondition=\/usr\/bin\/berth activate --pull-needed %n$/m;
    assert.equal(condition.test(service), name === 'base-image', name);
  }
});
