import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buffer } from 'node:stream/consumers';
import test, { type TestContext } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import * as v from 'valibot';
import type { Binding } from '../../src/binding/bindings.ts';
import { bundleArchive } from '../../src/bundle/archive.ts';
import { planBundle } from '../../src/bundle/plan.ts';
import { tarEntries } from '../../src/common/tar/read.ts';
import * as schemas from '../../src/documents/schemas.ts';
import { sha256 } from '../../src/image/digest.ts';
import { hostPlatform } from '../../src/image/platform.ts';
import { container, type Machine, main, startMachine, writeRoot } from '../support/berth.ts';
import { buildImage, type ImageOptions } from '../support/image-builder.ts';
import { holds } from '../support/property.ts';
import { client, serve } from '../support/registry-client.ts';
import { skipMounts, smallFileSystem } from '../support/small-file-system.ts';
import { startSite } from './site.ts';

const host = 'registry.example.com';
const platforms = ['linux/amd64', 'linux/arm64'];
interface Lab {
  readonly machine: Machine;
  readonly root: string;
  /** The path of the bundle. */
  readonly file: string;
}

/** A root with two images of several megabytes, which don't compress. */
async function startLab(t: TestContext): Promise<Lab> {
  const machine = await startMachine(t);
  const image = (seed: number, more: Partial<ImageOptions> = {}) =>
    buildImage({
      layers: [
        { bytes: 2_000_000, seed: 1 },
        { bytes: 1_000_000, seed },
      ],
      ...more,
    });
  machine.registry.push('web:1', image(2, { platforms }));
  machine.registry.push('api:1', image(3));
  const root = writeRoot(join(machine.directory, 'os'), {
    'usr/lib/berth/berth.toml': '[bind]\nmode = "all"\n',
    ...container('web', `${host}/web:1`),
    ...container('api', `${host}/api:1`),
  });
  return { machine, root, file: join(machine.directory, 'site.tar.zst') };
}

async function made({ machine, root, file }: Lab, ...words: string[]): Promise<Buffer> {
  const { code, stderr } = await machine.berth('bundle', root, '--output', file, ...words);
  assert.equal(code, 0, stderr);
  return readFileSync(file);
}

/** Turns a machine into a site that has nothing yet. */
function asSite(machine: Machine, state = join(machine.directory, 'site')): string {
  machine.environment['BERTH_STATE_DIR'] = state;
  return state;
}

function storedIn(state: string): readonly string[] {
  const blobs = join(state, 'store/blobs/sha256');
  return existsSync(blobs) ? readdirSync(blobs) : [];
}

async function membersOf(bundle: Buffer): Promise<Map<string, Buffer>> {
  const members = new Map<string, Buffer>();
  const bytes = (async function* () {
    yield zstdDecompressSync(bundle);
  })();
  for await (const entry of tarEntries(bytes)) {
    assert.ok(!members.has(entry.path));
    members.set(entry.path, Buffer.from(await entry.read(entry.size)));
  }
  return members;
}

test('the same images give the same bytes, from a registry and from the store; the lock is the lock', async (t) => {
  const lab = await startLab(t);
  const first = await made(lab);
  const members = await membersOf(first);
  const paths = [...members.keys()];
  assert.deepEqual(paths.slice(0, 4), ['oci-layout', 'index.json', 'lock.json', 'bundle.json']);
  for (const [path, content] of [...members].slice(4)) {
    assert.equal(path, `blobs/${sha256(content).replace(':', '/')}`);
  }
  await lab.machine.berth('stage', lab.root, '--engine', 'store');
  const asked = lab.machine.registry.requests.length;
  assert.deepEqual(await made(lab), first);
  const layers = lab.machine.registry.requests.slice(asked).filter(({ path }) => {
    const digest = /\/blobs\/(sha256:.*)/.exec(path)?.[1];
    return (members.get(`blobs/${digest?.replace(':', '/')}`)?.length ?? 0) > 100_000;
  });
  assert.deepEqual(layers, [], 'what the store has is not downloaded');
  await lab.machine.berth('lock', lab.root);
  const lock = readFileSync(join(lab.root, 'usr/lib/berth/lock.json'));
  assert.deepEqual(members.get('lock.json'), lock);
  assert.deepEqual(await made(lab), first, 'also of a root with a lock');
  await lab.machine.berth('ship', lab.root);
  await lab.machine.registry.close();
  assert.deepEqual(await made(lab), first, 'also of what the root ships');
});

/** Two images that may share layers, as a registry has them. */
const imageOptions = fc.record({
  layers: fc.array(fc.record({ bytes: fc.integer({ min: 1, max: 5000 }), seed: fc.nat(5) }), {
    minLength: 1,
    maxLength: 4,
  }),
  isIndexed: fc.boolean(),
  format: fc.constantFrom('oci' as const, 'docker' as const),
});

test('a site loads exactly the blobs that were bundled', async (t) => {
  const server = await serve(t);
  const registry = client(t, [server]);
  const { signal } = new AbortController();
  const context = { signal, report: () => undefined };
  const property = fc.asyncProperty(
    fc.array(imageOptions, { maxLength: 4 }),
    fc.integer({ min: 1, max: 20_000 }),
    async (images, piece) => {
      const built = images.map(({ isIndexed, ...options }) =>
        buildImage({ ...options, ...(isIndexed ? { platforms } : {}) }),
      );
      const bindings = built.map((image, i): Binding => {
        server.push(`app${i}:1`, image);
        const name = `${server.host}/app${i}:1`;
        const platform = hostPlatform();
        const unused = { accesses: [{}], references: [], stores: [] };
        return { engine: 'store', name, platform, policy: 'missing', ...unused };
      });
      const plan = await planBundle(context, registry, bindings, new Set());
      const onBytes = (bytes: number) => assert.ok(bytes <= plan.bytes);
      const bundle = await buffer(bundleArchive(plan, { registry, signal, onBytes }));
      const site = startSite(t);
      await site.load(pieces(bundle, piece));
      const blobs = new Map<string, Buffer>();
      for (const [i, { top, manifests, blobs: own }] of built.entries()) {
        const [manifest] = manifests;
        assert.equal(await site.meaning(`${server.host}/app${i}:1`), manifest?.digest);
        const config: unknown = JSON.parse(manifest?.content.toString() ?? '');
        const used = JSON.stringify(config);
        for (const [digest, content] of own) if (used.includes(digest)) blobs.set(digest, content);
        for (const each of [top, manifest]) if (each) blobs.set(each.digest, each.content);
      }
      assert.deepEqual(site.blobs(), blobs);
    },
  );
  await holds(10, property);
});

function* pieces(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

test('a directory that is not there is said in two lines', async (t) => {
  const machine = await startMachine(t);
  // A layer so small that it is whole when its download is given up.
  machine.registry.push('web:1', buildImage({ layers: [{ bytes: 1000, seed: 1 }] }));
  const root = writeRoot(join(machine.directory, 'os'), container('web', `${host}/web:1`));
  const file = join(machine.directory, 'absent/site.tar.zst');
  const words = ['bundle', '--bind', 'all', root, '--output', file, '--progress', 'none'];
  const { code, stderr } = await machine.berth(...words);
  assert.equal(code, 1);
  assert.match(stderr, /^berth: can't write .*\n {2}→ name a file in an existing directory.*\n$/);
});

test('through a pipe, from one berth to the other', async (t) => {
  const lab = await startLab(t);
  const { environment } = lab.machine;
  const from = spawn(process.execPath, [main, 'bundle', lab.root, '--output', '-'], {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  asSite(lab.machine);
  const to = spawn(process.execPath, [main, 'load', '-', '--engine', 'store'], {
    env: environment,
    stdio: [from.stdout, 'ignore', 'inherit'],
  });
  const codes = await Promise.all([exitOf(from), exitOf(to)]);
  assert.deepEqual(codes, [0, 0]);
  await lab.machine.registry.close();
  assert.equal((await lab.machine.berth('stage', lab.root, '--engine', 'store')).code, 0);
});

async function exitOf(child: ChildProcess): Promise<number | null> {
  await once(child, 'exit');
  return child.exitCode;
}

test('a load that is killed is taken up again, and names nothing before', async (t) => {
  const lab = await startLab(t);
  const bundle = await made(lab);
  const state = asSite(lab.machine);
  const words = [main, 'load', '-', '--engine', 'store', '--progress', 'json'];
  for (const kept of [bundle.length / 2, bundle.length / 10, 8]) {
    const child = spawn(process.execPath, words, {
      env: lab.machine.environment,
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    // A killed child does not read the rest.
    child.stdin.on('error', () => undefined);
    child.stdin.write(bundle.subarray(0, -kept));
    let wanted = 0;
    for await (const line of createInterface({ input: child.stderr })) {
      const { event, bytes } = JSON.parse(line) as { event: string; bytes: number };
      // Bytes that are still in pipes and buffers do not arrive.
      if (event === 'fetch-started') wanted = bytes - kept - 1_000_000;
      if (event === 'fetch-progress' && bytes >= wanted) child.kill('SIGKILL');
    }
    await lab.machine.berth('plan', '--engine', 'store', lab.root);
    for (const hex of storedIn(state)) {
      const content = readFileSync(join(state, 'store/blobs/sha256', hex));
      assert.equal(sha256(content), `sha256:${hex}`);
    }
    const index = join(state, 'store/index.json');
    assert.doesNotMatch(readFileSync(index, 'utf8'), /io\.berth\.loaded/);
  }
  const { stdout, code } = await lab.machine.berthWith(
    {},
    ...words.slice(1, 2),
    lab.file,
    ...words.slice(3),
    '--format',
    'json',
  );
  assert.equal(code, 0);
  const { bytes } = v.parse(schemas.LoadResult, JSON.parse(stdout));
  assert.ok(bytes < 4_000_000, `${bytes}: what came whole is not written again`);
  await lab.machine.registry.close();
  assert.equal((await lab.machine.berth('stage', lab.root, '--engine', 'store')).code, 0);
});

test('a disk that fills up while it loads: nothing is named, and the next try goes on', {
  skip: skipMounts,
}, async (t) => {
  const lab = await startLab(t);
  const bundle = await made(lab);
  const { directory } = smallFileSystem(t, 'size=8m');
  const state = asSite(lab.machine, join(directory, 'state'));
  const words = [main, 'load', '-', '--engine', 'store', '--progress', 'json'];
  const child = spawn(process.execPath, words, {
    env: lab.machine.environment,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  child.stdin.on('error', () => undefined);
  // The layers arrive after the space was found to be enough, but something else has taken it.
  child.stdin.write(bundle.subarray(0, 500_000));
  let said = '';
  for await (const line of createInterface({ input: child.stderr })) {
    said += line;
    if (!line.includes('"fetch-started"')) continue;
    writeFileSync(join(directory, 'filler'), Buffer.alloc(5_500_000));
    child.stdin.end(bundle.subarray(500_000));
  }
  assert.equal(child.exitCode ?? (await exitOf(child)), 4, said);
  assert.match(said, /no space is left to write/);
  assert.doesNotMatch(readFileSync(join(state, 'store/index.json'), 'utf8'), /io\.berth\.loaded/);
  rmSync(join(directory, 'filler'));
  const { code, stderr } = await lab.machine.berth('load', lab.file, '--engine', 'store');
  assert.equal(code, 0, stderr);
  await lab.machine.registry.close();
  assert.equal((await lab.machine.berth('stage', lab.root, '--engine', 'store')).code, 0);
});

test('two loads at once are as good as one', async (t) => {
  const lab = await startLab(t);
  await made(lab);
  const state = asSite(lab.machine);
  const load = () => lab.machine.berth('load', lab.file, '--engine', 'store');
  for (const { code, stderr } of await Promise.all([load(), load()])) assert.equal(code, 0, stderr);
  for (const hex of storedIn(state)) {
    const content = readFileSync(join(state, 'store/blobs/sha256', hex));
    assert.equal(sha256(content), `sha256:${hex}`);
  }
  await lab.machine.registry.close();
  assert.equal((await lab.machine.berth('stage', lab.root, '--engine', 'store')).code, 0);
});

test('a bundle that fails leaves the file as it was', async (t) => {
  const lab = await startLab(t);
  writeFileSync(lab.file, 'of yesterday');
  const { registry } = lab.machine;
  registry.fault = ({ path }) => (path.includes('/blobs/') ? { kind: 'altered' } : undefined);
  const altered = await lab.machine.berth('bundle', lab.root, '--output', lab.file);
  assert.equal(altered.code, 1, altered.stderr);
  registry.fault = () => ({ status: 404 });
  const words = ['bundle', lab.root, '--output', lab.file, '--format', 'json'];
  const absent = await lab.machine.berth(...words);
  assert.equal(absent.code, 1, absent.stderr);
  const result = v.parse(schemas.BundleResult, JSON.parse(absent.stdout));
  assert.deepEqual([result.written, result.failures.length], [false, 2]);
  assert.equal(readFileSync(lab.file, 'utf8'), 'of yesterday');
  registry.fault = undefined;
  const full = await lab.machine.berth('bundle', lab.root, '--output', '/dev/full');
  assert.equal(full.code, 4, full.stderr);
  assert.ok(statSync('/dev/full').isCharacterDevice());
  const nowhere = await lab.machine.berth('bundle', lab.root, '--output', '/nowhere/at/all');
  assert.match(nowhere.stderr, /can't write \/nowhere\/at\/all/);
  assert.deepEqual(
    readdirSync(lab.machine.directory).filter((name) => name.includes('site.tar.zst')),
    ['site.tar.zst'],
  );
});

test('a disk that is too small is refused, on either side', { skip: skipMounts }, async (t) => {
  const lab = await startLab(t);
  const { directory } = smallFileSystem(t, 'size=3m');
  const there = { ...lab, file: join(directory, 'site.tar.zst') };
  const made3 = await there.machine.berth('bundle', there.root, '--output', there.file);
  assert.equal(made3.code, 4, made3.stderr);
  assert.match(made3.stderr, /expected 4\.0 MB for .*found 3\.1 MB free/);
  assert.deepEqual(readdirSync(directory), []);
  await made(lab);
  asSite(lab.machine, join(directory, 'state'));
  const loaded = await lab.machine.berth('load', lab.file, '--engine', 'store');
  assert.equal(loaded.code, 4, loaded.stderr);
  assert.match(loaded.stderr, /loading the bundle writes 4\.0 MB, and .* are missing/);
  assert.equal(existsSync(join(directory, 'state/store')), false);
});

test('policy.json has its say on what is loaded', async (t) => {
  const lab = await startLab(t);
  await made(lab);
  const state = asSite(lab.machine);
  const policy = join(lab.machine.directory, 'home/.config/containers/policy.json');
  const key = Buffer.from('-----BEGIN PUBLIC KEY-----').toString('base64');
  const required = {
    'it is rejected': { type: 'reject' },
    // This bundle has no signatures, and there is no network.
    'its signature can’t be looked up without a network': { type: 'sigstoreSigned', keyData: key },
    'signedBy with X509Certificates is required': {
      type: 'signedBy',
      keyType: 'X509Certificates',
      keyData: key,
    },
  };
  for (const [words, requirement] of Object.entries(required)) {
    const transports = { docker: { [`${host}/web`]: [requirement] } };
    const accepts = [{ type: 'insecureAcceptAnything' }];
    writeFileSync(policy, JSON.stringify({ default: accepts, transports }));
    const { code, stderr } = await lab.machine.berth('load', lab.file, '--engine', 'store');
    assert.equal(code, 4, stderr);
    assert.ok(stderr.includes(`${host}/web:1: ${words}`), stderr);
    assert.deepEqual(storedIn(state), []);
  }
});

test('a loaded image overrides the registry until it is staged, and replaces an unreachable one afterwards', async (t) => {
  const lab = await startLab(t);
  await made(lab);
  const { machine } = lab;
  const { registry } = machine;
  const newer = buildImage({ layers: [{ bytes: 1000, seed: 9 }] });
  registry.push('api:1', newer);
  asSite(lab.machine);
  const planned = async (...words: string[]) => {
    const { stdout, stderr } = await machine.berth(
      'plan',
      '--engine',
      'store',
      '--format',
      'json',
      ...words,
    );
    assert.notEqual(stdout, '', stderr);
    const { images } = v.parse(schemas.Plan, JSON.parse(stdout));
    return images.flatMap((of) => of.names.map(({ name, digest }) => `${name} ${digest}`)).sort();
  };
  const online = await planned(lab.root);
  await machine.berth('load', lab.file, '--engine', 'store');
  const loaded = await planned(lab.root);
  assert.notDeepEqual(loaded, online);
  await machine.berth('stage', '--id', 'a', '--engine', 'store', lab.root);
  assert.deepEqual(await planned('--id', 'b', lab.root), online, 'another root asks the registry');
  await registry.close();
  assert.deepEqual(await planned('--id', 'b', lab.root), loaded);
});

test('a loaded image is removed only when nobody else stages from it', async (t) => {
  const lab = await startLab(t);
  const bundle = await made(lab);
  const site = startSite(t);
  const { images } = await site.load([bundle]);
  const [one, other] = [await site.open(), await site.open()];
  assert.ok(one && other);
  const held = site.blobs().size;
  await one.staged(images);
  assert.equal(site.blobs().size, held, 'another may be reading them');
  await one.close();
  await other.staged(images);
  assert.equal(site.blobs().size, 3, 'two manifests and an index');
  const name = images[0]?.name ?? '';
  assert.equal(
    other.awaiting.find(name, hostPlatform()) === undefined,
    false,
    'until it is closed',
  );
  await other.close();
  const later = await site.open();
  assert.ok(later);
  assert.equal(later.awaiting.find(name, hostPlatform()), undefined);
  assert.ok(later.all.find(name, hostPlatform()));
  await later.forget(new Set());
  await later.close();
  assert.deepEqual([await site.open(), site.blobs().size], [undefined, 0]);
});

test('prune forgets what was loaded once no root has it on record', async (t) => {
  const lab = await startLab(t);
  await made(lab);
  const state = asSite(lab.machine);
  const { machine } = lab;
  const { registry } = machine;
  await registry.close();
  await machine.berth('load', lab.file, '--engine', 'store');
  await machine.berth('stage', '--id', 'a', '--engine', 'store', lab.root);
  await machine.berth('release', 'a', '--engine', 'store');
  await machine.berth('load', lab.file, '--engine', 'store');
  const again = await machine.berth('prune', '--force', '--engine', 'store');
  assert.equal(again.code, 0, again.stderr);
  assert.equal((await machine.berth('stage', '--id', 'b', '--engine', 'store', lab.root)).code, 0);
  await machine.berth('release', 'b', '--engine', 'store');
  const { code, stderr } = await machine.berth('prune', '--force', '--engine', 'store');
  assert.equal(code, 0, stderr);
  assert.deepEqual(storedIn(state), []);
});

test('--since takes a lock or a bundle, and says what is neither', async (t) => {
  const lab = await startLab(t);
  const whole = await made(lab);
  const since = join(lab.machine.directory, 'since');
  for (const text of ['{"images":[]}', 'something else', '']) {
    writeFileSync(since, text);
    const words = ['bundle', lab.root, '--output', lab.file, '--since', since];
    const { code, stderr } = await lab.machine.berth(...words);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /expected a lock or an earlier bundle at .*since, found/);
  }
  writeFileSync(since, whole);
  const part = await made(lab, '--since', since);
  assert.ok(part.length < 20_000, 'nothing but what the images are');
  // A bundle that builds on another still lists all layers of its images.
  writeFileSync(since, part);
  assert.deepEqual(await made(lab, '--since', since), part);
});

test('a lock whose images are gone from the registry leaves nothing out', async (t) => {
  const lab = await startLab(t);
  const whole = await made(lab);
  const lock = join(lab.machine.directory, 'lock.json');
  const text = (await membersOf(whole)).get('lock.json')?.toString() ?? '';
  writeFileSync(lock, text.replaceAll(/sha256:.{8}/g, 'sha256:00000000'));
  const { code, stderr } = await lab.machine.berth(
    'bundle',
    lab.root,
    '--output',
    lab.file,
    '--since',
    lock,
  );
  assert.equal(code, 0, stderr);
  assert.match(stderr, /are unknown, so they are not left out/);
  assert.deepEqual(readFileSync(lab.file), whole);
});
