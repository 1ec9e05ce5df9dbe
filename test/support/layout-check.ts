import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';

const Blob = v.object({ digest: v.string(), size: v.number() });
const Named = v.object({
  ...Blob.entries,
  annotations: v.optional(v.record(v.string(), v.string()), {}),
});
const Index = v.object({ schemaVersion: v.literal(2), manifests: v.array(Named) });
/** A manifest as it came from its registry, whose tools may write null for no layers. */
const Manifest = v.object({ config: Blob, layers: v.nullish(v.array(Blob), []) });
const Pins = v.object({ pins: v.array(v.object({ id: v.string() })) });

/**
 * Holds a layout against the image specification, by a reading of its own: what index.json names
 * is whole, hash and all. Answers the names with the digests that they mean.
 */
export function validNames(directory: string): Map<string, string> {
  const names = new Map<string, string>();
  if (!existsSync(join(directory, 'oci-layout'))) return names;
  assert.deepEqual(json(join(directory, 'oci-layout')), { imageLayoutVersion: '1.0.0' });
  const index = v.parse(Index, json(join(directory, 'index.json')));
  for (const descriptor of index.manifests) {
    const manifest = v.parse(Manifest, JSON.parse(wholeBlob(directory, descriptor).toString()));
    for (const blob of [manifest.config, ...manifest.layers]) wholeBlob(directory, blob);
    const name = descriptor.annotations['org.opencontainers.image.ref.name'];
    assert.ok(name);
    names.set(name, descriptor.digest);
  }
  return names;
}

/** The ids that a layout's files of pins hold, each of which must be whole. */
export function validPins(directory: string): Set<string> {
  const pins = join(directory, 'pins');
  const named = new Set(validNames(directory).values());
  const held = new Set<string>();
  for (const entry of existsSync(pins) ? readdirSync(pins) : []) {
    for (const { id } of v.parse(Pins, json(join(pins, entry))).pins) {
      assert.ok(named.has(id), `${id} is pinned and not there`);
      held.add(id);
    }
  }
  return held;
}

/** The digests of the blobs of a layout, each of which must be what its name says. */
export function validBlobs(directory: string): Set<string> {
  const blobs = join(directory, 'blobs', 'sha256');
  const entries = existsSync(blobs) ? readdirSync(blobs) : [];
  for (const hex of entries) assert.equal(hash(readFileSync(join(blobs, hex))), hex);
  return new Set(entries.map((hex) => `sha256:${hex}`));
}

function wholeBlob(directory: string, { digest, size }: v.InferOutput<typeof Blob>): Buffer {
  const content = readFileSync(join(directory, 'blobs', digest.replace(':', '/')));
  assert.equal(content.length, size);
  assert.equal(`sha256:${hash(content)}`, digest);
  return content;
}

function hash(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

function json(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}
