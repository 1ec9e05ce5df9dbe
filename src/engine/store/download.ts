import type { Blob } from '../../image/resolved.ts';
import type { Access } from '../../registry/access.ts';
import type { Registry } from '../../registry/registry.ts';
import { isPresent } from './blob.ts';
import { ChunkWriter } from './chunk-writer.ts';
import { writeAtomically } from './file.ts';
import { blobPath, type Layout } from './layout.ts';
import { Semaphore } from './semaphore.ts';

/** More at a time don't come faster over one link, and each costs buffers. */
const DOWNLOADS_AT_A_TIME = 4;

export interface DownloadWatch {
  readonly signal: AbortSignal;
  /** Called with the bytes that came since the last call. */
  readonly onBytes: (bytes: number) => void;
}

/**
 * The downloads of one engine: few at a time, whatever the number of images, and a blob that
 * several images need comes once.
 */
export class Downloads {
  readonly #layout: Layout;
  readonly #registry: Registry;
  readonly #places = new Semaphore(DOWNLOADS_AT_A_TIME);
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(layout: Layout, registry: Registry) {
    this.#layout = layout;
    this.#registry = registry;
  }

  /** Sees to it that the blob is there; that it stays is on disk only after a sync of `blobs`. */
  async bring(name: string, blob: Blob, access: Access, watch: DownloadWatch): Promise<void> {
    for (;;) {
      if (isPresent(this.#layout, blob)) return watch.onBytes(blob.size);
      const other = this.#underWay.get(blob.digest);
      if (other === undefined) break;
      // What made the other fail may be its own: its repository, credentials, signal. It says so
      // itself; here the blob is tried again.
      await other.catch(() => undefined);
    }
    const download = this.#places.run(() => this.#download(name, blob, access, watch));
    this.#underWay.set(blob.digest, download);
    try {
      await download;
    } finally {
      this.#underWay.delete(blob.digest);
    }
  }

  async #download(name: string, blob: Blob, access: Access, watch: DownloadWatch): Promise<void> {
    watch.signal.throwIfAborted();
    const path = blobPath(this.#layout, blob.digest);
    await writeAtomically(this.#layout, path, async (file) => {
      const writer = new ChunkWriter(file, path, blob.size);
      const write = async (chunk: Buffer) => {
        await writer.write(chunk);
        watch.onBytes(chunk.length);
      };
      if (access.shipped === undefined) {
        await this.#registry.download(name, blob, access, { write }, { signal: watch.signal });
      } else {
        for await (const chunk of access.shipped.read(blob)) {
          watch.signal.throwIfAborted();
          await write(chunk);
        }
      }
      await writer.end();
    });
  }
}
