import assert from 'node:assert/strict';
import test from 'node:test';
import type { Meaning } from '../../../src/engine/depot.ts';
import { EngineError } from '../../../src/engine/errors.ts';
import { type BlobPlace, storedImage } from '../../../src/engine/fetch/stored-image.ts';
import { hostPlatform } from '../../../src/image/platform.ts';
import { type BuiltImage, buildImage } from '../../support/image-builder.ts';

const index = buildImage({
  layers: [
    { bytes: 3000, seed: 1 },
    { bytes: 500, seed: 2 },
  ],
  platforms: ['linux/amd64', 'linux/arm64'],
});

const meaning: Meaning = {
  digest: index.top.digest,
  manifest: index.manifests[0]?.digest ?? '',
  platform: 'linux/amd64',
};

/** Everything of an image that a store may have, by digest. */
function contents({ top, manifests, blobs }: BuiltImage): Map<string, Buffer> {
  return new Map([
    ...[top, ...manifests].map(({ digest, content }) => [digest, content] as const),
    ...blobs,
  ]);
}

/** A store that hands out its blobs in small pieces. */
function place(called: string, blobs: ReadonlyMap<string, Buffer>): BlobPlace {
  return {
    called,
    find: async (digest) => {
      const content = blobs.get(digest);
      return content && { size: content.length, read: () => pieces(content) };
    },
  };
}

async function* pieces(content: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += 100) yield content.subarray(at, at + 100);
}

async function bytes(read: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of read) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const NAME = `registry.example.com/app@${meaning.digest}`;

test('an image is found with its index, its manifest and the bytes of each blob', async () => {
  const found = await storedImage([place('docker', contents(index))], meaning);
  const image = found?.find(NAME, hostPlatform());
  assert.ok(found && image);
  assert.deepEqual(
    [image.name, image.digest, image.manifest, image.platform],
    [NAME, meaning.digest, meaning.manifest, meaning.platform],
  );
  for (const digest of [image.digest, image.manifest]) {
    assert.deepEqual(found.manifest(digest).content, contents(index).get(digest));
  }
  assert.equal(image.blobs.length, 3);
  for (const blob of image.blobs) {
    assert.ok(found.has(blob.digest));
    assert.deepEqual(await bytes(found.read(blob)), index.blobs.get(blob.digest));
  }
  assert.equal(found.find('registry.example.com/app:1', hostPlatform()), undefined);
});

test('the parts of an image may lie in several stores', async () => {
  const all = [...contents(index)];
  const places = [0, 1, 2].map((own) =>
    place(`${own}`, new Map(all.filter((_, position) => position % 3 === own))),
  );
  assert.ok(await storedImage(places, meaning));
  for (const left of places) {
    const others = places.filter((one) => one !== left);
    assert.equal(await storedImage(others, meaning), undefined);
  }
});

const parts = {
  index: meaning.digest,
  manifest: meaning.manifest,
  ...Object.fromEntries([...index.blobs.keys()].slice(0, 2).map((digest) => [digest, digest])),
};

for (const [part, digest] of Object.entries(parts)) {
  test(`without ${part} there is no image`, async () => {
    const left = contents(index);
    left.delete(digest);
    assert.equal(await storedImage([place('docker', left)], meaning), undefined);
  });

  test(`a store that has something else as ${part} is passed over for one that has not`, async () => {
    const damaged = contents(index).set(digest, Buffer.from('{}'));
    assert.equal(await storedImage([place('damaged', damaged)], meaning), undefined);
    const whole = place('whole', contents(index));
    assert.ok(await storedImage([place('damaged', damaged), whole], meaning));
  });
}

test('a blob of the right size and with other bytes ends in an error that names the store', async () => {
  const layer = [...index.blobs.keys()].find((digest) => index.blobs.get(digest)?.[0] !== 0x7b);
  const content = Buffer.from(index.blobs.get(layer ?? '') ?? []);
  content.writeUInt8(content.readUInt8(10) ^ 1, 10);
  const damaged = contents(index).set(layer ?? '', content);
  const found = await storedImage([place('docker', damaged)], meaning);
  const blob = found?.find(NAME, hostPlatform())?.blobs.find(({ digest }) => digest === layer);
  assert.ok(found && blob);
  await assert.rejects(bytes(found.read(blob)), {
    code: 'digest-mismatch',
    message: new RegExp(`${layer} in docker: expected ${layer}`),
  });
});

test('a store that sends more than it announced is not read to its end', async () => {
  const endless: BlobPlace = {
    called: 'endless',
    find: async () => ({
      size: 100,
      read: async function* () {
        for (;;) yield Buffer.alloc(1000);
      },
    }),
  };
  const whole = place('docker', contents(index));
  assert.equal(await storedImage([endless], meaning), undefined);
  assert.ok(await storedImage([endless, whole], meaning));
});

test('an index that does not list the manifest is not the image’s', async () => {
  const other = buildImage({
    layers: [{ bytes: 10, seed: 9 }],
    platforms: ['linux/amd64', 'linux/arm64'],
  });
  const both = new Map([...contents(index), ...contents(other)]);
  const mixed = { ...meaning, digest: other.top.digest };
  assert.equal(await storedImage([place('docker', both)], mixed), undefined);
});

test('a store that fails has nothing', async () => {
  const failing: BlobPlace = {
    called: 'failing',
    find: async () => {
      throw new EngineError('engine-unreachable', 'it is gone', { hint: 'h' });
    },
  };
  assert.equal(await storedImage([failing], meaning), undefined);
  assert.ok(await storedImage([failing, place('docker', contents(index))], meaning));
});
