import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { openImage } from '../../src/os-image/open-image.ts';
import { openWhenNeeded } from '../../src/registry/when-needed.ts';
import { container, startMachine, writeRoot } from '../support/berth.ts';
import { nested, rewritten } from '../support/hostile-image.ts';
import { buildImage } from '../support/image-builder.ts';
import { layeredImage } from '../support/layered-image.ts';
import { writeLayout } from '../support/oci-layout.ts';
import type { Fault } from '../support/registry-fault.ts';
import { type Member, tar } from '../support/tar.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { withPeak } from './peak.ts';
import { HOST } from './site.ts';

/** In MB; a berth that has nothing to do takes some 90. */
const MAX_PEAK = 260;

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';
const DIGEST = `sha256:${'0'.repeat(64)}`;

const image = buildImage({ layers: [{ bytes: 1000, seed: 1 }] });

function withLayers(count: number) {
  const layer = (i: number) => {
    const digest = `sha256:${i.toString(16).padStart(64, '0')}`;
    return { mediaType: 'a', digest, size: 1 };
  };
  return rewritten(image, (fields) => ({
    ...fields,
    layers: Array.from({ length: count }, (_, i) => layer(i)),
  }));
}

function answer(mediaType: string, body: string | Buffer): Fault {
  return { status: 200, headers: { 'content-type': mediaType }, body };
}

const repeated = (text: string, times: number) => Array.from({ length: times }, () => text).join();

const hugeManifests: Readonly<Record<string, { pushed?: typeof image; fault?: Fault }>> = {
  '50 MB': { fault: answer(MANIFEST, Buffer.alloc(50_000_000, ' ')) },
  'without an end': { fault: { kind: 'endless' } },
  '100,000 layers': { pushed: withLayers(100_000) },
  'as many layers as fit, which nobody has': { pushed: withLayers(35_000) },
  'as many platforms as fit': {
    fault: answer(
      INDEX,
      `{"schemaVersion":2,"mediaType":"${INDEX}","manifests":[${repeated(`{"mediaType":"a","digest":"${DIGEST}","size":1}`, 35_000)}]}`,
    ),
  },
  'a million layers that are none': {
    fault: answer(MANIFEST, `{"schemaVersion":2,"layers":[${repeated('{}', 1_300_000)}]}`),
  },
  'two million brackets': { fault: answer(MANIFEST, '['.repeat(2_000_000)) },
  'a million values that nobody asks for': {
    pushed: rewritten(image, (fields) => ({
      ...fields,
      more: Array.from({ length: 1_300_000 }, () => ({})),
    })),
  },
  'objects in objects': {
    fault: answer(MANIFEST, `${'{"a":'.repeat(400_000)}1${'}'.repeat(400_000)}`),
  },
  'an index of indexes of indexes': { pushed: nested(image, 3) },
};

for (const [what, { pushed, fault }] of Object.entries(hugeManifests)) {
  test(`a manifest with ${what} ends soon, in bounded memory`, async (t) => {
    const machine = await startMachine(t);
    machine.registry.push('app:1', pushed ?? image);
    machine.registry.fault = () => fault;
    const root = writeRoot(join(machine.directory, 'os'), container('app', `${HOST}/app:1`));
    const words = ['stage', '--engine', 'store', '--bind', 'all', '--id', 'os', root];
    const { code, stderr, peak } = await withPeak(machine, ...words);
    assert.equal(code, 1, stderr);
    assert.match(stderr, /^failed .*: expected .*, found .*\n {2}→ /m);
    assert.ok(stderr.length < 3000, `${stderr.length} characters`);
    assert.ok(peak < MAX_PEAK, `${peak} MB`);
    assert.ok(
      machine.registry.requests.length < 50,
      `${machine.registry.requests.length} requests`,
    );
  });
}

test('fifty images with manifests of four megabytes are staged in bounded memory', async (t) => {
  const machine = await startMachine(t);
  const names = Array.from({ length: 50 }, (_, i) => `app${i}`);
  for (const name of names) {
    const annotations = { a: `${name}${'ж'.repeat(2_070_000)}` };
    machine.registry.push(
      `${name}:1`,
      rewritten(image, (fields) => ({ ...fields, annotations })),
    );
  }
  const units = names.map((name) => container(name, `${HOST}/${name}:1`));
  const root = writeRoot(join(machine.directory, 'os'), Object.assign({}, ...units));
  const words = ['stage', '--engine', 'store', '--bind', 'all', '--id', 'os', root];
  const { code, stderr, peak } = await withPeak(machine, ...words);
  assert.equal(code, 0, stderr);
  assert.ok(peak < 300, `${peak} MB`);
});

const unit = 'usr/share/containers/systemd/app.container';
const zeros = Buffer.alloc(32 * 1024 * 1024);
const GIB = 2 ** 30;

/** A member of a gigabyte, and a unit behind it. */
function bomb(pack: (part: Buffer) => Buffer): Buffer {
  const large: Member = { path: 'var/large', size: GIB };
  const head = tar([large]).subarray(0, 512);
  const part = pack(zeros);
  const tail = tar([{ path: unit, content: `[Container]\nImage=${HOST}/app:1\n` }]);
  const parts = Array.from({ length: GIB / zeros.length }, () => part);
  return Buffer.concat([pack(head), ...parts, pack(tail)]);
}

const bombs: Readonly<Record<string, (part: Buffer) => Buffer>> = {
  gzip: (part) => gzipSync(part, { level: 1 }),
  zstd: (part) => zstdCompressSync(part),
};

for (const [kind, pack] of Object.entries(bombs)) {
  test(`a ${kind} bomb in an OS image takes no memory, and no more than it may`, async (t) => {
    const machine = await startMachine(t);
    const directory = join(machine.directory, 'layout');
    writeLayout(directory, 'os', layeredImage([{ archive: bomb(pack), compression: 'none' }]));
    const { code, stdout, stderr, peak } = await withPeak(
      machine,
      'images',
      '--format',
      'refs',
      `image:oci:${directory}`,
    );
    assert.equal(code, 0, stderr);
    assert.equal(stdout, `${HOST}/app:1\n`);
    assert.ok(peak < MAX_PEAK, `${peak} MB`);
    const places = {
      registry: openWhenNeeded(() => assert.fail('no registry is asked')),
      storeDirectory: '/nowhere',
      nameMeantBy: async (raw: string) => raw,
      maxBytes: 100_000_000,
    };
    await assert.rejects(openImage(`image:oci:${directory}`, places), {
      code: 'os-image',
      message: /more than 100000000 bytes/,
    });
  });
}

test('a zstd frame that wants a window of gigabytes is refused', async (t) => {
  const directory = temporaryDirectory(t);
  // RFC 8878, section 3.1.1.1: a window of 2 GiB, then a block that is raw and the last.
  const frame = Buffer.from('28b52ffd00a8010000', 'hex');
  writeLayout(directory, 'os', layeredImage([{ archive: frame, compression: 'none' }]));
  const places = {
    registry: openWhenNeeded(() => assert.fail('no registry is asked')),
    storeDirectory: '/nowhere',
    nameMeantBy: async (raw: string) => raw,
  };
  await assert.rejects(openImage(`image:oci:${directory}`, places), {
    code: 'os-image',
    message: /gzip or zstd stream.*memory/,
  });
});
