import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { KnownDocuments } from '../../../../src/engine/docker/images/known-documents.ts';
import { sha256 } from '../../../../src/image/digest.ts';
import { formatPlatform, hostPlatform } from '../../../../src/image/platform.ts';
import { buildImage } from '../../../support/image-builder.ts';
import { temporaryDirectory } from '../../../support/temporary.ts';

test('a document is parsed once, and known for as long as its file is there', (t) => {
  const blobs = temporaryDirectory(t);
  mkdirSync(join(blobs, 'sha256'));
  const pathOf = (digest: string) => join(blobs, digest.replace(':', '/'));
  const host = formatPlatform(hostPlatform());
  const image = buildImage({ layers: [{ bytes: 10, seed: 1 }], platforms: ['linux/s390x', host] });
  for (const { digest, content } of [image.top, ...image.manifests]) {
    writeFileSync(pathOf(digest), content);
  }
  const documents = new KnownDocuments();
  const index = documents.read(blobs, image.top.digest);
  assert.ok(index !== undefined && 'manifests' in index);
  const listed = image.manifests.filter(({ digest }) => digest !== image.top.digest);
  assert.deepEqual(index.manifests, listed.map(({ digest }) => digest).toReversed(), 'host first');
  const [first = ''] = index.manifests;
  const config = documents.read(blobs, first);
  assert.ok(config !== undefined && 'config' in config);
  assert.equal(sha256(readFileSync(pathOf(first))), first);

  // The same object: nothing was read again.
  assert.equal(documents.read(blobs, first), config);
  assert.equal(documents.read(blobs, image.top.digest), index);
  rmSync(pathOf(first));
  assert.equal(documents.read(blobs, first), undefined);
  writeFileSync(pathOf(first), listed.at(-1)?.content ?? '');
  assert.equal(documents.read(blobs, first), config);
});

test('a file with other bytes, or that is no document, is none', (t) => {
  const blobs = temporaryDirectory(t);
  mkdirSync(join(blobs, 'sha256'));
  const content = Buffer.from('{}');
  const digest = sha256(content);
  const documents = new KnownDocuments();
  for (const text of ['other', '{}']) {
    writeFileSync(join(blobs, digest.replace(':', '/')), text);
    assert.equal(documents.read(blobs, digest), undefined);
  }
});
