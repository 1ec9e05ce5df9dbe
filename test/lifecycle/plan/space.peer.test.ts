import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { container, startMachine, writeRoot } from '../../support/berth.ts';
import { clearAway } from '../../support/clear-away.ts';
import { type BuiltImage, buildImage } from '../../support/image-builder.ts';
import { preparePodman, skipPodman, startPodman } from '../../support/podman.ts';
import type { TestRegistry } from '../../support/registry.ts';
import { mountSmall, skipMounts } from '../../support/small-file-system.ts';

const host = 'registry.example.com';
const base = { bytes: 300_000, seed: 1 };
const layer = (seed: number) => ({ bytes: 200_000, seed });

test('layers that podman has are not downloaded, and unpacked again only elsewhere', {
  skip: skipPodman,
}, async (t) => {
  const { machine, plan, stage } = await startLab(t);
  // podman pulls by itself if it may take no archives: those take more space.
  const docker = { '': [{ type: 'insecureAcceptAnything' }] };
  const policy = { default: [{ type: 'reject' }], transports: { docker } };
  const file = join(machine.directory, 'home/.config/containers/policy.json');
  writeFileSync(file, JSON.stringify(policy));
  const { registry } = machine;
  const first = buildImage({ layers: [base, layer(2)] });
  registry.push('first:1', first);
  assert.equal((await stage('first:1')).code, 0);
  const cases: readonly (readonly [string, BuiltImage, number, number])[] = [
    // Each with the layers, counted from the base, that are downloaded and that are unpacked.
    ['another layer on the same base', buildImage({ layers: [base, layer(3)] }), 1, 1],
    ['a layer on another base', buildImage({ layers: [layer(4), layer(2)] }), 1, 2],
    ['other settings', buildImage({ layers: [base, layer(2)], labels: { a: 'b' } }), 0, 0],
  ];
  let one: number | undefined;
  for (const [what, image, downloaded, unpacked] of cases) {
    const name = `${what.replaceAll(' ', '-')}:1`;
    registry.push(name, image);
    const [config, ...layers] = blobsOf(image);
    const expected = layers.filter(
      ({ digest }) => !blobsOf(first).some((b) => b.digest === digest),
    );
    assert.equal(expected.length, downloaded, what);
    const { bytes, space } = await plan(name);
    assert.equal(bytes, sum([...expected, ...(config === undefined ? [] : [config])]), what);
    assert.ok(space[0].estimated || unpacked === 0);
    // Beside what is unpacked lies what comes: where podman puts that is the same disk here.
    const onDisk = space[0].needed - bytes;
    one ??= onDisk;
    assert.ok(one > 200_000);
    // Compressed, one layer has some bytes more than another.
    assert.ok(Math.abs(onDisk - one * unpacked) < 1000, `${what}: ${onDisk}`);
    const came = await wire(registry, () => stage(name));
    assert.deepEqual(came, new Set([config, ...expected].map((blob) => blob?.digest)), what);
  }
  assert.equal((await plan('first:1')).bytes, 0);
});

test('a plan says what comes over the network, and how much stays on disk', {
  skip: skipPodman,
}, async (t) => {
  const { machine, podman, plan, stage } = await startLab(t);
  const { registry } = machine;
  const docker = { '': [{ type: 'insecureAcceptAnything' }] };
  const noArchives = { default: [{ type: 'reject' }], transports: { docker } };
  const anything = { default: [{ type: 'insecureAcceptAnything' }] };
  const file = join(machine.directory, 'home/.config/containers/policy.json');
  const places = [podman.directory, machine.directory];
  for (const [way, policy] of [
    ['direct', noArchives],
    ['two-steps', anything],
  ] as const) {
    writeFileSync(file, JSON.stringify(policy));
    registry.push(`${way}:1`, buildImage({ layers: [base, { bytes: 2_000_000, seed: 5 }] }));
    const planned = await plan(`${way}:1`);
    assert.equal(planned.way, way);
    const before = sum(places.map(sizeOfTree));
    const from = registry.requests.length;
    assert.equal((await stage(`${way}:1`)).code, 0);
    const blobs = registry.requests.slice(from).filter(({ path }) => path.includes('/blobs/'));
    assert.equal(
      blobs.reduce((total, { bytes }) => total + bytes, 0),
      planned.bytes,
      way,
    );
    const grown = sum(places.map(sizeOfTree)) - before;
    const [{ stays, needed }] = planned.space;
    assert.ok(grown <= stays, `${way}: ${grown} of ${stays}`);
    assert.ok(stays < needed, way);
    await machine.berth('release', '--engine', 'podman', `${way}-1`);
    await machine.berth('prune', '--engine', 'podman', '--force');
  }
});

test('layers that images share come over the wire once', { skip: skipPodman }, async (t) => {
  const { machine, stageAll } = await startLab(t);
  const { registry } = machine;
  const names = [2, 3, 4, 5].map((seed) => {
    // Large enough that the second pull begins before the first has ended.
    const layers = [{ bytes: 5_000_000, seed: 1 }, layer(seed)];
    registry.push(`app${seed}:1`, buildImage({ layers }));
    return `app${seed}:1`;
  });
  const before = registry.requests.length;
  assert.equal((await stageAll(names)).code, 0);
  const paths = registry.requests.slice(before).map(({ path }) => path.replace(/.*\//, ''));
  const shared = blobsOf(buildImage({ layers: [{ bytes: 5_000_000, seed: 1 }] }))[1]?.digest;
  assert.equal(paths.filter((path) => path === shared).length, 1);
});

test('podman’s disk is looked at before anything is fetched, and so is where it unpacks', {
  skip: skipPodman || skipMounts,
}, async (t) => {
  const { machine, plan, stage } = await startLab(t, 'size=4m');
  machine.registry.push('big:1', buildImage({ layers: [{ bytes: 2_000_000, seed: 1 }] }));
  const { lack, space } = await plan('big:1');
  assert.equal(lack.code, 'no-space');
  const [images, temporary] = space;
  assert.match(images.directory, /\/root$/);
  assert.ok(images.short > 0 && images.estimated);
  assert.equal(temporary.directory, machine.environment['TMPDIR']);
  assert.ok(temporary.short === 0 && !temporary.estimated);
  machine.registry.requests.length = 0;
  const refused = await stage('big:1');
  assert.equal(refused.code, 4);
  assert.match(refused.stderr, /needs 2\.0 MB to download, and about 6\.0 MB on disk in .*\/root,/);
  const layers = machine.registry.requests.filter(({ path }) => path.includes('/blobs/'));
  assert.equal(layers.length, 0);
});

test('a disk that fills up half-way leaves earlier roots as they were, and then it goes on', {
  skip: skipPodman || skipMounts,
}, async (t) => {
  const { machine, disk, stage, verify } = await startLab(t, 'size=4m');
  const small = buildImage({ layers: [{ bytes: 50_000, seed: 1 }] });
  machine.registry.push('small:1', small);
  assert.equal((await stage('small:1')).code, 0);
  // 20 kB compressed: no estimate from that comes to 20 MB.
  const zeros = buildImage({ layers: [{ files: { zeros: Buffer.alloc(20_000_000) } }] });
  machine.registry.push('zeros:1', zeros);
  const failed = await stage('zeros:1');
  assert.equal(failed.code, 4, failed.stderr);
  assert.match(failed.stderr, /podman has no space left/);
  assert.equal(await verify('small:1'), 0);
  assert.equal(await verify('zeros:1'), 3);
  disk?.remount('size=64m');
  assert.equal((await stage('zeros:1')).code, 0);
  assert.equal(await verify('zeros:1'), 0);
});

/** A machine with a podman whose storage is on a disk of its own, if `options` say one. */
async function startLab(t: TestContext, options?: string) {
  const machine = await startMachine(t);
  const { podman, disk } = await startOn(t, machine.environment, options);
  machine.environment['CONTAINER_HOST'] = `unix://${podman.socket}`;
  const words = (name: string) => {
    const id = name.replace(':', '-');
    const files = container('app', `${host}/${name}`);
    const root = writeRoot(join(machine.directory, id), files);
    return ['--engine', 'podman', '--bind', 'all', '--id', id, root];
  };
  return {
    machine,
    podman,
    disk,
    stageAll: (names: readonly string[]) => {
      const files = names.map((name) => container(name.replace(':1', ''), `${host}/${name}`));
      const root = writeRoot(join(machine.directory, 'all'), Object.assign({}, ...files));
      return machine.berth('stage', '--engine', 'podman', '--bind', 'all', root);
    },
    stage: (name: string) => machine.berth('stage', ...words(name)),
    plan: async (name: string) =>
      JSON.parse((await machine.berth('plan', '--format', 'json', ...words(name))).stdout),
    verify: async (name: string) =>
      (await machine.berth('verify', '--engine', 'podman', name.replace(':', '-'))).code,
  };
}

async function startOn(t: TestContext, environment: NodeJS.ProcessEnv, options?: string) {
  if (options === undefined) return { podman: await startPodman(t, { environment }) };
  const directory = mkdtempSync(join(tmpdir(), 'berth-test-podman-'));
  const disk = mountSmall(join(directory, 'root'), options);
  const podman = preparePodman(directory, { environment });
  t.after(async () => {
    await podman.stop();
    await clearAway(directory);
  });
  await podman.restart();
  return { podman, disk };
}

interface Descriptor {
  readonly digest: string;
  readonly size: number;
}

/** Config first, then the layers from the base up. */
function blobsOf({ top }: BuiltImage): readonly Descriptor[] {
  const { config, layers } = JSON.parse(top.content.toString());
  return [config, ...layers];
}

function sum(parts: readonly { readonly size: number }[]): number {
  return parts.reduce((total, { size }) => total + size, 0);
}

/** The bytes of all files in a directory. */
function sizeOfTree(directory: string): { readonly size: number } {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true });
  const each = files.filter((one) => one.isFile());
  return { size: sum(each.map((one) => statSync(join(one.parentPath, one.name)))) };
}

/** The digests of the blobs that were asked for meanwhile. */
async function wire(registry: TestRegistry, work: () => Promise<unknown>): Promise<Set<string>> {
  const before = registry.requests.length;
  await work();
  const paths = registry.requests.slice(before).map(({ path }) => path);
  return new Set(
    paths.filter((path) => path.includes('/blobs/')).map((path) => path.replace(/.*\//, '')),
  );
}
