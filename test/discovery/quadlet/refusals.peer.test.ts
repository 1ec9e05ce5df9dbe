import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { readQuadlets } from '../../../src/discovery/quadlet/quadlet.ts';
import { openRoot } from '../../../src/root/open-root.ts';
import { debianRoot } from '../../support/debian-root.ts';
import { rounds, seed } from '../../support/property.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { type Tree, writeTree } from '../../support/tree.ts';
import { contextOf } from '../source.ts';

const script = fileURLToPath(new URL('../../../scripts/trixie-podman.sh', import.meta.url));

/** Runs a generator, which writes the services that it makes into `output`; false if it crashed. */
type Generator = (directory: string, output: string) => boolean;

function generator(command: string, ...before: readonly string[]): Generator {
  return (directory, output) => {
    const { error, stderr } = spawnSync(command, [...before, '-no-kmsg-log', output], {
      encoding: 'utf8',
      env: { QUADLET_UNIT_DIRS: directory },
    });
    if (error) throw error;
    return !stderr.includes('panic:');
  };
}

/** podman 5.8.6 of forky, on this machine by its own loader and libraries. */
function newest(): Generator {
  const forky = realpathSync(debianRoot('forky'));
  const loader = join(forky, 'usr/lib64/ld-linux-x86-64.so.2');
  const libraries = join(forky, 'usr/lib/x86_64-linux-gnu');
  return generator(loader, '--library-path', libraries, join(forky, 'usr/libexec/podman/quadlet'));
}

const shared: Tree = {
  'i.image': '[Image]\nImage=q.io/i:1\n',
  'v.volume': '[Volume]\n',
  'n.network': '[Network]\n',
  'p.pod': '[Pod]\n',
  'a.artifact': '[Artifact]\nArtifact=q.io/a:1\n',
  'b.build': '[Build]\nImageTag=localhost/b\nSetWorkingDirectory=unit\n',
};

/** For each type the lines that make a service of it, and lines that may be refused. */
const types: Readonly<
  Record<string, { readonly base: readonly string[]; readonly odd: readonly string[] }>
> = {
  container: {
    base: ['Image=q.io/a:1', 'Image=i.image', 'Image=b.build', 'Rootfs=/srv'],
    odd: [
      'Image=no.image',
      'Image=no.build',
      'Image=',
      'Rootfs=/srv',
      'Mount=type=image,destination=/m',
      'Mount=type=image,source=,destination=/m',
      'Mount=type=image,source=i.image,destination=/m',
      'Mount=type=image,source=no.image,destination=/m',
      'Mount=type=image,src=q.io/m:1,dst=/m',
      'Mount=type=artifact,destination=/m',
      'Mount=type=artifact,source=,destination=/m',
      'Mount=type=artifact,source=a.artifact,destination=/m',
      'Mount=type=artifact,source=no.artifact,destination=/m',
      'Mount=type=artifact,src=q.io/m:1,dst=/m',
      'Mount=type=volume,source=v.volume,destination=/m',
      'Mount=type=volume,source=no.volume,destination=/m',
      'Mount=type=bind,source=/srv,destination=/m',
      'Mount=type=bind,destination=/m',
      'Mount=type=tmpfs,destination=/m',
      'Mount=source=/srv,destination=/m',
      'Mount=',
      'Mount=type=glob,source=/srv*,destination=/m',
      'Volume=v.volume:/v',
      'Volume=no.volume:/v',
      'Volume=no.volume',
      'Volume=./x:/v',
      'Volume=%i.volume:/v',
      'Network=n.network',
      'Network=no.network',
      'Network=no.container',
      'Network=host',
      'Network=n.network:ip=10.0.0.2',
      'Pod=p.pod',
      'Pod=no.pod',
      'Pod=p',
      'Group=1',
      'User=1\nGroup=1',
      'UserNS=keep-id',
      'RemapUsers=manual',
      'RemapUsers=auto',
      'RemapUsers=keep-id',
      'RemapUsers=odd',
      'RemapUid=1',
      'RemapUsers=manual\nRemapUid=0:1:2',
      'RemapUsers=manual\nUIDMap=0:1:2',
      'UIDMap=0:1:2',
      'UIDMap=0:1:2\nRemapUid=1',
      'SubUIDMap=a\nUserNS=host',
      'RemapUsers=auto\nSubUIDMap=a',
      'ExposeHostPort=80',
      'ExposeHostPort=80-90/tcp',
      'ExposeHostPort=abc',
      'ReloadCmd=/bin/true',
      'ReloadSignal=HUP',
      'ReloadCmd=/bin/true\nReloadSignal=HUP',
      'Notify=healthy',
      'PublishPort=80:80',
      'Exec=sh "unfinished',
      'Environment=A=1 "B',
      'AutoUpdate=odd',
      'StartWithPod=no',
      'Bogus=1',
      'ServiceName=x-ID',
      'CgroupsMode=odd',
      'Tmpfs=/t',
      'VolatileTmp=yes',
      'HealthOnFailure=odd',
      'Secret=a,type=env',
    ],
  },
  artifact: {
    base: ['Artifact=q.io/a:1', 'Artifact=a'],
    odd: [
      'Artifact=',
      'Bogus=1',
      'Image=x',
      'Arch=arm64',
      'Policy=missing',
      'Quiet=yes',
      'Retry=2',
      'TLSVerify=no',
    ],
  },
  image: {
    base: ['Image=q.io/a:1'],
    odd: ['Image=', 'Bogus=1', 'ImageTag=x', 'Arch=arm64', 'AllTags=yes'],
  },
  volume: {
    base: ['VolumeName=v', ''],
    odd: [
      'Driver=image',
      'Driver=image\nImage=q.io/v:1',
      'Driver=image\nImage=no.image',
      'Driver=image\nImage=i.image',
      'Driver=image\nImage=',
      'Type=tmpfs',
      'Type=tmpfs\nDevice=tmpfs',
      'Device=/dev/x',
      'Options=uid=1',
      'Type=bind\nDevice=/srv',
      'User=1',
      'Group=1',
      'Copy=yes',
      'Bogus=1',
    ],
  },
  network: {
    base: ['NetworkName=n', ''],
    odd: [
      'Subnet=10.1.0.0/24',
      'Gateway=10.1.0.1',
      'IPRange=10.1.0.0/25',
      'Subnet=10.1.0.0/24\nGateway=10.1.0.1',
      'Subnet=10.1.0.0/24\nGateway=10.1.0.1\nGateway=10.2.0.1',
      'Subnet=10.1.0.0/24\nIPRange=10.1.0.0/25\nIPRange=10.2.0.0/25',
      'Bogus=1',
      'Options=a=b',
      'Internal=yes',
    ],
  },
  pod: {
    base: ['PodName=p', ''],
    odd: [
      'Network=n.network',
      'Network=no.network',
      'Volume=v.volume:/v',
      'Volume=no.volume:/v',
      'RemapUsers=manual',
      'RemapUsers=odd',
      'UIDMap=0:1:2\nRemapUid=1',
      'UserNS=auto',
      'Bogus=1',
      'PublishPort=1',
    ],
  },
  kube: {
    base: ['Yaml=k.yaml', 'Yaml=/srv/k.yaml'],
    odd: [
      'Yaml=',
      'Network=n.network',
      'Network=no.network',
      'SetWorkingDirectory=yaml',
      'SetWorkingDirectory=unit',
      'SetWorkingDirectory=/srv',
      'SetWorkingDirectory=odd',
      'ExitCodePropagation=all',
      'ExitCodePropagation=odd',
      'AutoUpdate=odd/x',
      'RemapUsers=manual',
      'RemapUsers=odd',
      'UserNS=auto',
      'ConfigMap=a.yaml',
      'PublishPort=1',
      'Bogus=1',
    ],
  },
  build: {
    base: [
      'ImageTag=localhost/x\nSetWorkingDirectory=unit',
      'ImageTag=localhost/x\nFile=/srv/Containerfile',
    ],
    odd: [
      'ImageTag=',
      'SetWorkingDirectory=',
      'SetWorkingDirectory=yaml',
      'SetWorkingDirectory=/srv',
      'SetWorkingDirectory=relative',
      'SetWorkingDirectory=file',
      'SetWorkingDirectory=https://example.com/x.git',
      'File=Containerfile',
      'File=https://example.com/Containerfile',
      'File=',
      'Network=n.network',
      'Network=no.network',
      'Volume=v.volume:/v',
      'Volume=no.volume:/v',
      'Pull=odd',
      'Bogus=1',
      'Secret=a',
      'Group=1',
    ],
  },
};

const services = [
  '',
  'Type=oneshot',
  'Type=notify',
  'Type=simple',
  'Type=exec',
  'KillMode=mixed',
  'KillMode=process',
  'KillMode=control-group',
];
const unit = fc
  .tuple(fc.constantFrom(...Object.keys(types)), fc.constantFrom(...services))
  .chain(([type, service]) => {
    const { base = [''], odd = [''] } = types[type] ?? {};
    return fc.record({
      type: fc.constant(type),
      service: fc.constant(service),
      base: fc.constantFrom(...base, ...base, ...base, ''),
      odd: fc.array(fc.constantFrom(...odd), { maxLength: 2 }),
    });
  });

interface Unit {
  readonly type: string;
  readonly service: string;
  readonly base: string;
  readonly odd: readonly string[];
}

function textOf({ type, service, base, odd }: Unit, id: number): string {
  const section = type.charAt(0).toUpperCase() + type.slice(1);
  const lines = [base, ...odd].join('\n').replaceAll('-ID', `-${id}`);
  const own = `[${section}]\n${lines}\n`;
  return `${own}${service === '' ? '' : `[Service]\n${service}\n`}`;
}

/** The services that a generator makes; undefined if it crashes on one of the units. */
function madeBy(run: Generator, directory: string, output: string): Set<string> | undefined {
  mkdirSync(output, { recursive: true });
  if (!run(directory, output)) return undefined;
  return new Set(readdirSync(output).filter((name) => name.endsWith('.service')));
}

test('the units of which podman makes no service are those that berth refuses', (t) => {
  const top = temporaryDirectory(t);
  const units = fc.sample(unit, { seed, numRuns: rounds(300) });
  const directory = join(top, 'units');
  const texts = units.map((one, id) => [`u${id}.${one.type}`, textOf(one, id)] as const);
  writeTree(directory, { ...shared, ...Object.fromEntries(texts) });
  const old = madeBy(
    generator(execFileSync(script, { encoding: 'utf8' }).trim()),
    directory,
    join(top, 'old'),
  );
  const now = madeBy(newest(), directory, join(top, 'now'));
  const root = openRoot(top);
  t.after(() => root.close());
  const context = contextOf(root);
  const { generated, units: read } = readQuadlets(root, ['/units'], () => false, context);
  const mine = new Set(generated.map(({ name }) => name));
  const differences: string[] = [];
  for (const [name, text] of texts) {
    const service = read.get(name)?.service ?? '?';
    // podman 5.4 knows neither the keys that begin with `Reload` (5.5) nor artifacts (5.7).
    const makers = /Reload|artifact/i.test(text) ? [now] : [old, now];
    const said = makers.flatMap((made) => made?.has(service) ?? []);
    if (said.some((made) => made !== mine.has(service))) {
      differences.push(`${said.join(' ')} ${mine.has(service)} ${name}: ${JSON.stringify(text)}`);
    }
  }
  // podman 5.4 crashes on some units, and the others are then compared with 5.8 alone.
  if (old === undefined) t.diagnostic('podman 5.4.2 crashed: compared with 5.8.6 alone');
  assert.ok(now !== undefined, 'podman 5.8.6 crashed');
  assert.deepEqual(differences, []);
});
