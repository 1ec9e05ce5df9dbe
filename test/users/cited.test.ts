import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { type Machine, startMachine } from '../support/berth.ts';
import { layeredImage } from '../support/layered-image.ts';
import { writeLayout } from '../support/oci-layout.ts';
import { home, marker, sharedLayer, skip, writeShared } from './mallory.ts';

const units = 'usr/share/containers/systemd';
const image = `registry.example.com/${marker}:1`;
const pod = `apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - {name: c, image: "${image}"}\n`;
const own = `[Container]\nImage=${image}\n[X-Berth]\nBind=yes\n`;

/**
 * Whatever can cite a path, each with a path of mallory's: the files of the OS, and the place at which
 * a problem says that what it cites is not known.
 */
const citing: Readonly<Record<string, { files: Record<string, string>; at: string }>> = {
  'EnvironmentFile=': {
    files: {
      [`${units}/env.container`]: `[Container]\nImage=registry.example.com/env:\${TAG}\n[Service]\nEnvironmentFile=/${home}/env\n`,
    },
    at: `/${units}/env.container`,
  },
  'an optional EnvironmentFile= that is not there': {
    files: {
      [`${units}/opt.container`]: `[Container]\nImage=registry.example.com/opt:\${TAG}\n[Service]\nEnvironment=TAG=1\nEnvironmentFile=-/${home}/none\n`,
    },
    at: `/${units}/opt.container`,
  },
  'a link to it': {
    files: {
      'etc/app.env': `-> /${home}/env`,
      [`${units}/link.container`]: `[Container]\nImage=registry.example.com/link:\${TAG}\n[Service]\nEnvironmentFile=/etc/app.env\n`,
    },
    at: `/${units}/link.container`,
  },
  'Yaml=': {
    files: { [`${units}/yaml.kube`]: `[Kube]\nYaml=/${home}/pod.yaml\n` },
    at: `/${home}/pod.yaml`,
  },
  'File=': {
    files: {
      [`${units}/file.build`]: `[Build]\nImageTag=localhost/file:1\nFile=/${home}/Containerfile\nSetWorkingDirectory=/usr\n`,
      [`${units}/file.container`]: '[Container]\nImage=file.build\n',
    },
    at: `/${home}/Containerfile`,
  },
  'SetWorkingDirectory=': {
    files: {
      [`${units}/dir.build`]: `[Build]\nImageTag=localhost/dir:1\nSetWorkingDirectory=/${home}\n`,
      [`${units}/dir.container`]: '[Container]\nImage=dir.build\n',
    },
    at: `/${home}/Containerfile`,
  },
  'ContainersConfModule=': {
    files: {
      [`${units}/module.container`]: `[Container]\nImage=registry.example.com/app:1\nContainersConfModule=/${home}/module.conf\n`,
    },
    at: `/${units}/module.container`,
  },
  'AuthFile=': {
    files: {
      [`${units}/auth.image`]: `[Image]\nImage=registry.example.com/app:1\nAuthFile=/${home}/auth.json\n`,
    },
    at: `/${units}/auth.image`,
  },
  'PodmanArgs=--authfile': {
    files: {
      [`${units}/args.container`]: `[Container]\nImage=registry.example.com/app:1\nPodmanArgs=--authfile=/${home}/auth.json\n`,
    },
    at: `/${units}/args.container`,
  },
  'podman kube play': {
    files: {
      'usr/lib/systemd/system/play.service': `[Service]\nExecStart=/usr/bin/podman kube play /${home}/pod.yaml\n`,
    },
    at: `/${home}/pod.yaml`,
  },
  'EnvironmentFile= of a plain service': {
    files: {
      'usr/lib/systemd/system/plain.service': `[Service]\nEnvironmentFile=/${home}/env\nExecStart=/usr/bin/podman run registry.example.com/plain:\${TAG}\n`,
    },
    at: '/usr/lib/systemd/system/plain.service',
  },
  'a script with its variables': {
    files: {
      'usr/lib/systemd/system/script.service': `[Service]\nEnvironmentFile=/${home}/env\nExecStart=/bin/sh -c "podman run registry.example.com/script:$TAG"\n`,
    },
    at: '/usr/lib/systemd/system/script.service',
  },
  'a Compose file that extends': {
    files: {
      'srv/compose/compose.yaml': `services:\n  a:\n    extends: {file: /${home}/compose.yaml, service: a}\n`,
    },
    at: `/${home}/compose.yaml`,
  },
};

/** Where a search of the OS is led to mallory's files: they count for nothing, and a word says so. */
const searched: Readonly<Record<string, Record<string, string>>> = {
  'a unit that is a link': { [`${units}/unit.container`]: `-> /${home}/own.container` },
  'a directory of units': { [`${units}/all`]: `-> /${home}/units` },
  'a drop-in': { [`${units}/drop.container.d`]: `-> /${home}/drop-ins` },
  'a plain service': { 'etc/systemd/system/linked.service': `-> /${home}/own.service` },
  'a list': { 'usr/lib/berth/images.d/all.list': `-> /${home}/all.list` },
  'a set of pinned images': { 'usr/lib/berth/images.d/set.yaml': `-> /${home}/pod.yaml` },
  'a static pod': { 'etc/kubernetes/manifests/p.yaml': `-> /${home}/pod.yaml` },
  'CRI-O’s configuration': { 'etc/crio/crio.conf.d/m.conf': `-> /${home}/crio.conf` },
  'a policy': { 'usr/lib/berth/berth.toml': `-> /${home}/berth.toml` },
  'a lock': { 'usr/lib/berth/lock.json': `-> /${home}/lock.json` },
  'storage.conf': { 'etc/containers/storage.conf': `-> /${home}/storage.conf` },
};

const ofMallory = {
  [`${home}/env`]: `TAG=${marker}\n`,
  [`${home}/pod.yaml`]: pod,
  [`${home}/Containerfile`]: `FROM ${image}\n`,
  [`${home}/module.conf`]: `# ${marker}\n[engine]\nremote = true\n`,
  [`${home}/auth.json`]: `{"auths":{"registry.example.com":{"auth":"${Buffer.from(`m:${marker}`).toString('base64')}"}}}`,
  [`${home}/compose.yaml`]: `services:\n  a: {image: "${image}"}\n`,
  [`${home}/own.container`]: own,
  [`${home}/units/in.container`]: own,
  [`${home}/drop-ins/m.conf`]: `[Container]\nImage=${image}\n`,
  [`${home}/own.service`]: `[Service]\nExecStart=/usr/bin/podman run ${image}\n`,
  [`${home}/all.list`]: `${image}\n`,
  [`${home}/crio.conf`]: `[crio.image]\npause_image = "${image}"\n`,
  [`${home}/berth.toml`]: `[bind]\nmode = "linked"\nexclude = ["*"]\n`,
  [`${home}/lock.json`]: `{"${marker}":1}`,
  [`${home}/storage.conf`]: `[storage.options]\nadditionalimagestores = ["/${marker}"]\n`,
  [`${home}/.config/containers/systemd/home.container`]: own,
  [`${home}/.config/systemd/user/home.service`]: `[Service]\nExecStart=/usr/bin/podman run ${image}\n`,
};

const ofRoot = {
  [`${units}/drop.container`]: '[Container]\nImage=registry.example.com/drop:1\n',
  ...Object.assign({}, ...Object.values(citing).map(({ files }) => files)),
  ...Object.assign({}, ...Object.values(searched)),
};

interface Plan {
  readonly problems: readonly { code: string; path: string; bound: boolean; message: string }[];
}

async function check(machine: Machine, spec: string): Promise<void> {
  const config = join(machine.directory, 'berth.toml');
  writeFileSync(config, 'engine = "store"\ncompose = ["/srv/compose"]\n');
  const words = ['--config', config, '--bind', 'all'];
  const planned = await machine.berth('plan', ...words, '--format', 'json', spec);
  const { problems } = JSON.parse(planned.stdout) as Plan;
  assert.match(
    planned.stderr,
    /^warning: \d+ places of .* are not root's, .*`berth images` says which$/m,
  );
  const listed = await machine.berth('images', ...words, '--format', 'json', spec);
  const all = (JSON.parse(listed.stdout) as Plan).problems;
  for (const [what, { at }] of Object.entries(citing)) {
    const said = problems.filter(({ path }) => path === at);
    assert.ok(
      said.some(({ bound, message }) => bound && /belongs to user 4711/.test(message)),
      `${what}: ${JSON.stringify(said)}`,
    );
  }
  const notes = all.filter(({ code, bound }) => code === 'user-writable' && !bound);
  for (const [what, files] of Object.entries(searched)) {
    const places = Object.entries(files).flatMap(([path, link]) => [`/${path}`, link.slice(3)]);
    assert.ok(
      notes.some((note) => places.some((place) => note.path.startsWith(place))),
      `${what}: ${JSON.stringify(notes.map((note) => note.path))}`,
    );
  }
  assert.ok(notes.some(({ path }) => path === `/${home}/.config`));
  const asked = machine.registry.requests.map((request) => JSON.stringify(request));
  for (const text of [planned.stdout, planned.stderr, listed.stdout, listed.stderr, ...asked]) {
    assert.ok(!text.includes(marker), text);
  }
}

test('whatever cites a file of a user’s gets nothing of it, in a directory', {
  skip,
}, async (t) => {
  const machine = await startMachine(t);
  const root = writeShared(join(machine.directory, 'root'), { ...ofRoot, ...ofMallory });
  await check(machine, root);
});

test('the same in an OS image, by the owners that its layers record', { skip }, async (t) => {
  const machine = await startMachine(t);
  const archive = sharedLayer({ ...ofRoot, ...ofMallory });
  const layout = join(machine.directory, 'layout');
  writeLayout(layout, 'os', layeredImage([{ archive, compression: 'none' }]));
  await check(machine, `image:oci:${layout}:os`);
});
