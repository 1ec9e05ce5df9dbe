import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { Blob, ResolvedImage } from '../../src/image/resolved.ts';
import { type Manifest } from '../../src/oci/manifest.ts';
import { RegistryError } from '../../src/registry/errors.ts';
import { type Registry } from '../../src/registry/registry.ts';

const OCI = 'application/vnd.oci.image';

/**
 * A registry without a network. It stands in for a real one where a test must decide what fails,
 * and when: by `before`, which is awaited before each manifest and each chunk of a blob.
 */
export class MemoryRegistry implements Registry {
  /** The digests of the blobs and manifests that were asked for, in order. */
  readonly requests: string[] = [];
  before: (digest: string, offset: number, signal?: AbortSignal) => Promise<void> | void = () => {};
  refused: string | undefined;
  chunkSize = 16 * 1024;
  readonly #content = new Map<string, Buffer>();

  /** Makes an image with one platform for each name's manifest, and an index if there are several. */
  add(name: string, layers: readonly Buffer[], platforms = ['linux/amd64']): ResolvedImage[] {
    const images = platforms.map((platform) => this.#manifestOf(name, platform, layers));
    if (images.length === 1) return images;
    const manifests = images.map(({ manifest, platform }) => {
      const [os, architecture] = platform.split('/');
      const size = this.#content.get(manifest)?.length ?? 0;
      const mediaType = `${OCI}.manifest.v1+json`;
      return { mediaType, digest: manifest, size, platform: { os, architecture } };
    });
    const index = { schemaVersion: 2, mediaType: `${OCI}.index.v1+json`, manifests };
    const { digest } = this.put('', Buffer.from(JSON.stringify(index)));
    return images.map((image) => ({ ...image, digest }));
  }

  put(mediaType: string, content: Buffer): Blob {
    const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
    this.#content.set(digest, content);
    return { mediaType, digest, size: content.length };
  }

  async resolve(): Promise<ResolvedImage> {
    throw new Error('the store never resolves');
  }

  async resolveAll(): Promise<never> {
    throw new Error('the store never resolves');
  }

  async signatures(): Promise<readonly Buffer[]> {
    return [];
  }

  async foresee(): Promise<void> {}

  async credentials(): Promise<undefined> {}

  async quickestReply(): Promise<undefined> {}

  async permit({ name }: ResolvedImage): Promise<readonly Buffer[]> {
    if (name !== this.refused) return [];
    throw new RegistryError('policy-rejected', `${name} is refused`, { hint: 'none' });
  }

  async isLimited(): Promise<boolean> {
    return false;
  }

  async manifest(_: string, digest: string): Promise<Manifest> {
    this.requests.push(digest);
    await this.before(digest, 0);
    return { mediaType: `${OCI}.manifest.v1+json`, digest, content: this.#get(digest) };
  }

  async download(
    _: string,
    blob: Blob,
    __: unknown,
    into: { write(chunk: Buffer): Promise<void> },
    watch: { signal?: AbortSignal } = {},
  ): Promise<void> {
    this.requests.push(blob.digest);
    const content = this.#get(blob.digest);
    for (let at = 0; at < content.length; at += this.chunkSize) {
      watch.signal?.throwIfAborted();
      await this.before(blob.digest, at, watch.signal);
      await into.write(content.subarray(at, at + this.chunkSize));
    }
  }

  close(): void {}

  #manifestOf(name: string, platform: string, layers: readonly Buffer[]): ResolvedImage {
    const [os, architecture] = platform.split('/');
    const diffIds = layers.map((layer) => this.put('', layer).digest);
    const rootfs = { type: 'layers', diff_ids: diffIds };
    const history = layers.map(() => ({ created_by: name }));
    const image = { os, architecture, config: {}, rootfs, history };
    const config = this.put(`${OCI}.config.v1+json`, Buffer.from(JSON.stringify(image)));
    const stored = layers.map((layer) => this.put(`${OCI}.layer.v1.tar+gzip`, gzipSync(layer)));
    const manifest = { schemaVersion: 2, config, layers: stored };
    const { digest } = this.put('', Buffer.from(JSON.stringify(manifest)));
    const blobs = [config, ...stored];
    return { name, digest, manifest: digest, config: config.digest, platform, blobs };
  }

  #get(digest: string): Buffer {
    const content = this.#content.get(digest);
    if (content !== undefined) return content;
    throw new RegistryError('not-found', `no ${digest}`, { hint: 'none' });
  }
}

/** A layer with one file, always the same for the same words, that does not compress. */
export function layer(file: string, bytes: number): Buffer {
  const content = createHash('shake256', { outputLength: bytes }).update(file).digest();
  const header = Buffer.alloc(512);
  header.write(file, 0);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${bytes.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        0', 148);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const padding = Buffer.alloc((512 - (bytes % 512)) % 512);
  return Buffer.concat([header, content, padding, Buffer.alloc(1024)]);
}
