import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { BerthError } from '../../src/common/errors.ts';
import { tarEntries } from '../../src/common/tar/read.ts';
import { sha256 } from '../../src/image/digest.ts';
import { container, startMachine, writeRoot } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';
import { ustar } from '../support/ustar.ts';
import { startSite } from './site.ts';

const host = 'registry.example.com';

/** A member of an archive; a false type or size makes it hostile. */
interface Member {
  readonly path: string;
  readonly content: Buffer;
  readonly type?: string;
  readonly size?: number;
  readonly target?: string;
}

/** The members of a bundle of two images as berth writes it. */
async function bundleMembers(t: TestContext): Promise<readonly Member[]> {
  const machine = await startMachine(t);
  const layers = (seed: number) => [
    { bytes: 3000, seed: 1 },
    { bytes: 2000, seed },
  ];
  const platforms = ['linux/amd64', 'linux/arm64'];
  machine.registry.push('web:1', buildImage({ layers: layers(2), platforms }));
  machine.registry.push('api:1', buildImage({ layers: layers(3) }));
  const root = writeRoot(join(machine.directory, 'os'), {
    'usr/lib/berth/berth.toml': '[bind]\nmode = "all"\n',
    ...container('web', `${host}/web:1`),
    ...container('api', `${host}/api:1`),
  });
  const file = join(machine.directory, 'bundle.tar.zst');
  const { code, stderr } = await machine.berth('bundle', root, '--output', file);
  assert.equal(code, 0, stderr);
  const members: Member[] = [];
  const bytes = zstdDecompressSync(readFileSync(file));
  for await (const entry of tarEntries(chunks(bytes))) {
    members.push({ path: entry.path, content: Buffer.from(await entry.read(entry.size)) });
  }
  return members;
}

async function* chunks(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
}

function archive(members: readonly Member[]): Buffer {
  const parts = members.map((member) => {
    const part = ustar({ [member.path]: member.content }).subarray(0, -1024);
    const { type = '0', size = member.content.length, target = '' } = member;
    part.write(type, 156);
    part.write(target, 157);
    part.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
    part.write('        ', 148);
    const sum = part.subarray(0, 512).reduce((total, byte) => total + byte, 0);
    part.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return part;
  });
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

type Change = (members: readonly Member[]) => readonly Member[];

const isBlob = ({ path }: Member) => path.startsWith('blobs/');
const isLayer = ({ path, content }: Member) => isBlob({ path, content }) && content[0] === 0x1f;

/** Changes the first member that fits. */
function changed(fits: (member: Member) => boolean, change: (of: Member) => readonly Member[]) {
  return (members: readonly Member[]) => {
    const at = members.findIndex(fits);
    return members.flatMap((member, i) => (i === at ? change(member) : [member]));
  };
}

function named(path: string) {
  return (member: Member) => member.path === path;
}

/** Replaces a text in one of the files. */
function replaced(path: string, text: string | RegExp, by: string): Change {
  return changed(named(path), (of) => {
    const content = Buffer.from(of.content.toString().replace(text, by));
    assert.notDeepEqual(content, of.content);
    return [{ path, content }];
  });
}

const file = (path: string, type?: string, target?: string): Member => ({
  path,
  content: Buffer.alloc(0),
  ...(type === undefined ? {} : { type }),
  ...(target === undefined ? {} : { target }),
});

const atEnd =
  (...more: Member[]): Change =>
  (members) => [...members, ...more];
const before = (fits: (member: Member) => boolean, more: Member) =>
  changed(fits, (of) => [more, of]);

const hostile: Readonly<Record<string, Change>> = {
  nothing: () => [],
  'a name that climbs': before(isLayer, file('../../climbed')),
  'a name that climbs out of the blobs': before(isLayer, file('blobs/sha256/../../../climbed')),
  'an absolute name': before(isLayer, file('/climbed')),
  'a link in the place of a layer': changed(isLayer, ({ path }) => [
    file(path, '2', '/etc/passwd'),
  ]),
  'a link to the blobs': before(isBlob, file('blobs', '2', '/tmp')),
  'a hard link in the place of a layer': changed(isLayer, ({ path }) => [
    file(path, '1', 'oci-layout'),
  ]),
  'a device': before(isLayer, file('blobs/sha256/dev', '4')),
  'a FIFO': before(isLayer, file('blobs/sha256/fifo', '6')),
  'a layer twice': changed(isLayer, (of) => [of, of]),
  'a manifest twice': changed(isBlob, (of) => [of, of]),
  'a layer that no manifest names': atEnd({
    path: `blobs/${sha256(Buffer.from('x')).replace(':', '/')}`,
    content: Buffer.from('x'),
  }),
  'a document that no manifest names': before(isBlob, {
    path: `blobs/${sha256(Buffer.from('{}')).replace(':', '/')}`,
    content: Buffer.from('{}'),
  }),
  'a layer too few': changed(isLayer, () => []),
  'a manifest too few': changed(isBlob, () => []),
  'a layer of other bytes': changed(isLayer, ({ path, content }) => [
    { path, content: Buffer.from(content).fill(7, 100, 120) },
  ]),
  'a manifest of other bytes': changed(isBlob, ({ path, content }) => [
    { path, content: Buffer.concat([content, Buffer.from(' ')]) },
  ]),
  'a layer that is longer': changed(isLayer, ({ path, content }) => [
    { path, content: Buffer.concat([content, Buffer.alloc(600)]) },
  ]),
  'a layer before the manifests': (members) => {
    const layers = members.filter(isLayer);
    const others = members.filter((member) => !isLayer(member));
    return [...others.filter((of) => !isBlob(of)), ...layers, ...others.filter(isBlob)];
  },
  'no lock': changed(named('lock.json'), () => []),
  'a lock of other digests': replaced(
    'lock.json',
    /"digest":"sha256:.{4}/,
    '"digest":"sha256:0000',
  ),
  'a lock of other names': replaced('lock.json', `${host}/web:1`, `${host}/web:2`),
  'a lock of more names': replaced(
    'lock.json',
    '"images": [',
    `"images": [{"name":"${host}/x:1","digest":"sha256:${'0'.repeat(64)}","platforms":{}},`,
  ),
  'a name that is none': replaced('index.json', `${host}/web:1`, '../../web:1'),
  'an index.json that is none': replaced('index.json', '"schemaVersion":2', '"schemaVersion":1'),
  'an index that does not list the manifest': (members) => {
    const index = members.find((of) => isBlob(of) && of.content.includes('"manifests":'));
    assert.ok(index);
    const content = Buffer.from(
      index.content.toString().replace(/"sha256:.{8}/, '"sha256:00000000'),
    );
    const hex = index.path.slice('blobs/sha256/'.length);
    const other = sha256(content).slice('sha256:'.length);
    return members.map((of) => ({
      path: of.path.replace(hex, other),
      content:
        of === index
          ? content
          : Buffer.from(of.content.toString('latin1').replaceAll(hex, other), 'latin1'),
    }));
  },
  'a layer of a type that is not known': changed(isLayer, (of) => [{ ...of, type: 'Z' }]),
  'a huge index.json': changed(named('index.json'), (of) => [{ ...of, size: 2 ** 32 }]),
  'a huge layer': changed(isLayer, (of) => [{ ...of, size: 2 ** 32 }]),
  'a huge extended header': before(isBlob, { ...file('pax', 'x'), size: 2 ** 30 }),
  'a sparse file': before(isBlob, file('sparse', 'S')),
  'another layout': replaced('oci-layout', '1.0.0', '2.0.0'),
  'other words of itself': replaced('bundle.json', 'Bundle', 'Bungle'),
};

test('an archive that is not what berth bundle writes is refused, and names nothing', async (t) => {
  const members = await bundleMembers(t);
  const whole = startSite(t);
  assert.equal((await whole.load([archive(members)])).images.length, 2);
  assert.ok(await whole.meaning(`${host}/web:1`));
  for (const [what, change] of Object.entries(hostile)) {
    const site = startSite(t);
    await assert.rejects(
      site.load([archive(change(members))]),
      (error) => {
        assert.ok(error instanceof BerthError, `${what}: ${String(error)}`);
        assert.equal(error.code, 'bundle-damaged', `${what}: ${error.message}`);
        return true;
      },
      what,
    );
    assert.equal(await site.meaning(`${host}/web:1`), undefined, what);
    for (const [digest, content] of site.blobs()) assert.equal(sha256(content), digest, what);
    assert.deepEqual(readdirSync(site.directory), ['state'], what);
  }
});

test('a bundle is refused wherever it is cut off', async (t) => {
  const members = await bundleMembers(t);
  const plain = archive(members).subarray(0, -1024);
  const packed = zstdCompressSync(plain);
  const site = startSite(t);
  for (const bytes of [plain, packed]) {
    for (let at = 0; at < bytes.length; at += Math.ceil(bytes.length / 60)) {
      await assert.rejects(site.load([bytes.subarray(0, at)]), { code: 'bundle-damaged' });
      assert.equal(await site.meaning(`${host}/web:1`), undefined);
    }
  }
  await site.load([packed]);
  assert.ok(await site.meaning(`${host}/web:1`), 'what came before is no hindrance');
});

test('a bomb goes off nowhere: more than the manifests say is not read', async (t) => {
  const members = await bundleMembers(t);
  const start = zstdCompressSync(archive(members).subarray(0, -1024));
  const zeros = zstdCompressSync(Buffer.alloc(2 ** 24));
  const places: Record<string, readonly Buffer[]> = {
    'instead of a bundle': [],
    'behind its layers': [start],
    'behind its end': [start, zstdCompressSync(Buffer.alloc(1024))],
  };
  for (const [place, head] of Object.entries(places)) {
    const site = startSite(t);
    const endless = async function* () {
      yield* head;
      for (;;) yield zeros;
    };
    await assert.rejects(site.load(endless()), { code: 'bundle-damaged' }, place);
    assert.equal(await site.meaning(`${host}/web:1`), undefined);
  }
});

test('an archive that tar makes of the same files in the same order is accepted too', async (t) => {
  const members = await bundleMembers(t);
  const site = startSite(t);
  const directory = join(site.directory, 'unpacked');
  const packed = join(site.directory, 'packed.tar');

  mkdirSync(directory);
  writeFileSync(packed, archive(members));
  execFileSync('tar', ['-xf', packed, '-C', directory]);
  const names = members.map(({ path }) => path);
  execFileSync('tar', ['-cf', packed, '-C', directory, ...names]);
  await site.load([readFileSync(packed)]);
  assert.ok(await site.meaning(`${host}/api:1`));
});

test('a mark in a bundle makes no image one that berth fetched', async (t) => {
  const members = (await bundleMembers(t)).map((member) => {
    if (member.path !== 'index.json') return member;
    const text = member.content.toString();
    const marked = text.replaceAll('"annotations":{', '"annotations":{"io.berth.fetched":"true",');
    assert.notEqual(marked, text);
    return { ...member, content: Buffer.from(marked) };
  });
  const site = startSite(t);
  await site.load([zstdCompressSync(archive(members))]);
  assert.ok((await site.meaning(`${host}/web:1`)) !== undefined);
  const index = readFileSync(join(site.directory, 'state/store/index.json'), 'utf8');
  assert.ok(!index.includes('io.berth.fetched'), index);
});
