import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buffer } from 'node:stream/consumers';
import test from 'node:test';
import fc from 'fast-check';
import * as v from 'valibot';
import type { Binding } from '../../src/binding/bindings.ts';
import { bundleArchive } from '../../src/bundle/archive.ts';
import { planBundle } from '../../src/bundle/plan.ts';
import * as schemas from '../../src/documents/schemas.ts';
import { sha256 } from '../../src/image/digest.ts';
import { hostPlatform } from '../../src/image/platform.ts';
import { main, startMachine } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';
import { holds } from '../support/property.ts';
import { client, serve } from '../support/registry-client.ts';
import { skipMounts, smallFileSystem } from '../support/small-file-system.ts';
import { asSite, exitOf, host, made, platforms, startLab, storedIn } from './lab.ts';
import { startSite } from './site.ts';

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

test('what is no bundle is called what it seems to be', async (t) => {
  const machine = await startMachine(t);
  const file = join(machine.directory, 'file');
  for (const [content, found] of [
    ['', 'nothing: it is empty'],
    ['{"images": []}', 'a JSON document'],
    ['registry.example.com/web:1\n', 'a text'],
    [Buffer.from('504b030414000000', 'hex'), 'a zip archive'],
    [Buffer.from('fd377a585a000004', 'hex'), 'an archive that xz compressed'],
    [readFileSync(process.execPath).subarray(0, 5000), 'a program'],
  ] as const) {
    writeFileSync(file, content);
    const { code, stderr } = await machine.berth('load', '--engine', 'store', file);
    assert.equal(code, 1);
    const expected = `berth: ${file}: expected a file that \`berth bundle\` wrote, found ${found}\n`;
    assert.ok(stderr.startsWith(expected), stderr);
  }
  const { stderr } = await machine.berthWith({ input: '' }, 'load', '--engine', 'store', '-');
  assert.match(stderr, /^berth: standard input: .* found nothing: it is empty\n/);
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
