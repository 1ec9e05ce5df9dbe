import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import {
  footprintOf,
  lackingOf,
  UNPACKED_AT_A_TIME,
} from '../../../src/engine/containers-storage/footprint.ts';
import type { Blob, ResolvedImage } from '../../../src/image/resolved.ts';

const gzip = 'application/vnd.oci.image.layer.v1.tar+gzip';
const plain = 'application/vnd.oci.image.layer.v1.tar';
const places = { storage: '/storage', temporary: '/tmp' };

function blob(digest: string, size: number, mediaType = gzip): Blob {
  return { digest, size, mediaType };
}

function image(config: string, ...layers: readonly Blob[]): ResolvedImage {
  const digest = `manifest of ${config}`;
  return {
    name: `example.com/${config}:1`,
    digest,
    manifest: digest,
    config,
    platform: 'linux/amd64',
    blobs: [blob(config, 1, 'config'), ...layers],
  };
}

const digests = (blobs: readonly Blob[] = []) => blobs.map(({ digest }) => digest);

/** The bytes that are written to storage and beside it. */
const directOf = (images: readonly ResolvedImage[], chains: readonly (readonly string[])[] = []) =>
  footprintOf(images, chains, places, undefined).direct.map(({ bytes }) => bytes);

test('podman lacks the config, and each layer whose blob it never unpacked', () => {
  const [base, top] = [blob('base', 100), blob('top', 50)];
  for (const [chains, expected] of [
    [[], ['c', 'base', 'top']],
    [[['base']], ['c', 'top']],
    [[['other', 'top']], ['c', 'base']],
    [[['base'], ['base', 'top']], ['c']],
  ] as const) {
    assert.deepEqual(digests(lackingOf(image('c', base, top), chains)), expected);
    const { images, direct } = footprintOf([image('c', base, top)], chains, places, undefined);
    assert.deepEqual(digests(images[0]?.missing), expected);
    assert.equal(direct[0]?.directory, '/storage');
  }
  assert.deepEqual(digests(lackingOf(image('c', base, base), [])), ['c', 'base']);
});

test('a layer is unpacked once for each chain of layers below it', () => {
  const [base, top] = [blob('base', 100), blob('top', 50)];
  assert.deepEqual(directOf([image('a', base, top)]), [450, 151]);
  assert.deepEqual(directOf([image('a', base, top), image('b', base)]), [450, 151]);
  assert.deepEqual(directOf([image('a', base, top), image('b', top)])[0], 600);
  assert.deepEqual(directOf([image('a', base, top)], [['base']])[0], 150);
  assert.deepEqual(directOf([image('a', blob('base', 100, plain))])[0], 115);
  assert.deepEqual(directOf([]), [0, 0]);
});

test('beside its storage podman needs room for the largest image alone', () => {
  assert.equal(UNPACKED_AT_A_TIME, 1);
  const images = [10, 1000, 500].map((size) => image(`c${size}`, blob(`l${size}`, size)));
  assert.equal(directOf(images)[1], 1001);
  const depot = { missing: (blobs: readonly Blob[]) => blobs.filter(({ size }) => size > 500) };
  const { fromDepot, images: each } = footprintOf(images, [], places, depot);
  // An archive is written three times.
  assert.deepEqual(
    fromDepot?.map(({ directory, bytes }) => [directory, bytes]),
    [
      ['/storage', 4530],
      ['/tmp', 3003],
    ],
  );
  assert.deepEqual(
    each.map(({ missing }) => digests(missing)),
    [[], ['l1000'], []],
  );
  assert.deepEqual(digests(each[2]?.lacking), ['c500', 'l500']);
});

test('the size of unpacked layers is an estimate, in bytes and files', () => {
  const [storage, beside] = footprintOf(
    [image('c', blob('l', 1_000_000))],
    [],
    places,
    undefined,
  ).direct;
  assert.deepEqual(storage, {
    directory: '/storage',
    bytes: 3_000_000,
    stays: 3_000_000,
    files: 92,
    estimated: true,
  });
  assert.equal(beside?.estimated, false);
});

/** The most memory that this process ever had, in MB. */
const peak = () =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024;

test('chains of a thousand layers take no memory for each layer below each layer', () => {
  const layers = (of: number) =>
    Array.from({ length: 1000 }, (_, at) => blob(`${of} ${at}`.padEnd(71), 1));
  const images = Array.from({ length: 30 }, (_, of) => image(`${of}`, ...layers(of)));
  const before = peak();
  directOf(images);
  assert.ok(peak() - before < 200, `${peak() - before} MB`);
});
