import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256 } from '../../src/image/digest.ts';
import { choosePlatform, hostPlatform } from '../../src/image/platform.ts';
import { blobsOf, type Document, parseDocument } from '../../src/oci/document.ts';
import { SHIPPED } from '../../src/oci/failure.ts';
import { findImage } from '../../src/oci/find-image.ts';
import type { Entry } from '../../src/oci/index-json.ts';
import { ParsedDocuments } from '../../src/oci/parsed-documents.ts';
import type { Refusal } from '../../src/oci/refusal.ts';

const mediaType = 'application/vnd.oci.image.manifest.v1+json';

/** A manifest with as many layers; others with another number. */
function manifest(layers: number, number = 0): Buffer {
  const blob = (index: number) => {
    const digest = `sha256:${index.toString(16).padStart(64, '0')}`;
    return { mediaType: 'a/b', digest, size: 1 };
  };
  const all = Array.from({ length: layers }, (_, index) => blob(number * 10_000 + index));
  const config = blob(9_999_999);
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers: all }));
}

function code(found: Document | Refusal): string {
  return found.kind === 'refused' ? found.code : found.kind;
}

test('a manifest of more layers than any engine stacks is refused', () => {
  assert.equal(code(parseDocument(manifest(1_000))), 'manifest');
  assert.equal(code(parseDocument(manifest(1_001))), 'too-many-layers');
});

test('a document is parsed once for all names, and its blobs are one list', () => {
  const documents = new ParsedDocuments();
  const content = manifest(10);
  const digest = sha256(content);
  let read = 0;
  const get = () => {
    read++;
    return content;
  };
  const [one, other] = [documents.of(digest, get), documents.of(digest, get)];
  assert.equal(read, 1);
  assert.ok(one.kind === 'manifest' && other.kind === 'manifest');
  assert.equal(blobsOf(one), blobsOf(other));
  assert.equal(
    code(documents.of(digest, get, { listedAs: 'application/vnd.oci.image.index.v1+json' })),
    'media-type',
  );
});

test('annotations of layers, which can be all of a manifest, are not kept', () => {
  const fields = JSON.parse(manifest(3).toString());
  for (const layer of fields.layers) layer.annotations = { note: 'x'.repeat(1000) };
  const content = Buffer.from(JSON.stringify(fields));
  const documents = new ParsedDocuments();
  for (const found of [1, 2].map(() => documents.of(sha256(content), () => content))) {
    assert.ok(found.kind === 'manifest');
    assert.deepEqual(
      found.layers.map(({ annotations }) => annotations),
      [{}, {}, {}],
    );
  }
});

test('the layers of all images together have a bound', () => {
  const documents = new ParsedDocuments();
  const codes = Array.from({ length: 301 }, (_, number) => {
    const content = manifest(1_000, number);
    return code(documents.of(sha256(content), () => content));
  });
  assert.deepEqual(new Set(codes.slice(0, 300)), new Set(['manifest']));
  assert.equal(codes[300], 'too-many-layers');
});

test('each of very many names of a layout is found at once', () => {
  const content = manifest(1_000);
  const digest = sha256(content);
  const platform = hostPlatform();
  const entries: readonly Entry[] = Array.from({ length: 20_000 }, (_, index) => ({
    name: `q.io/a:${index}`,
    repository: 'q.io/a',
    digest,
    mediaType,
    platform,
  }));
  let read = 0;
  const documents = new ParsedDocuments();
  const source = {
    place: SHIPPED,
    path: () => '/x',
    document: () => {
      const found = documents.of(digest, () => {
        read++;
        return content;
      });
      assert.ok(found.kind === 'manifest');
      return found;
    },
  };
  assert.ok(choosePlatform(entries, platform) !== undefined);
  const found = new Set(
    entries.map(({ name }) => findImage(source, entries, name, platform)?.blobs),
  );
  assert.equal(found.size, 1);
  assert.equal(read, 1);
});
