import { Semaphore } from '../common/semaphore.ts';
import type { Source } from '../engine/source.ts';
import { parseName } from '../image/name.ts';
import type { Blob } from '../image/resolved.ts';
import { LayoutError } from '../oci/failure.ts';
import type { ShippedImages } from '../oci/local-images.ts';
import { RegistryError } from '../registry/errors.ts';
import { type Registry } from '../registry/registry.ts';
import { isPresent } from './blob.ts';
import { ChunkWriter } from './chunk-writer.ts';
import { writeAtomically } from './file.ts';
import { blobPath, type Layout } from './layout.ts';
import { beginBlob } from './partial.ts';

/** More downloads at a time are no faster over one link, and each costs buffers. */
const LARGE_AT_A_TIME = 4;

/** Small blobs wait for replies more than for bytes, so they have places of their own. */
const SMALL_AT_A_TIME = 8;

/** In bytes: blobs of at least this size count as large. */
const LARGE = 1024 * 1024;

export interface DownloadWatch {
  readonly signal: AbortSignal;
  /** Called with the number of bytes since the last call. */
  readonly onBytes: (bytes: number) => void;
}

/**
 * The downloads into one store: few at a time, whatever the number of images and engines, and the largest
 * blob of all images first, so that it is not left for the end, alone. A blob that several images or engines
 * need is downloaded once.
 */
export class Downloads {
  readonly #layout: Layout;
  readonly #registry: Registry;
  readonly #nearby: Bytes | undefined;
  readonly #large = new Semaphore(LARGE_AT_A_TIME);
  readonly #small = new Semaphore(SMALL_AT_A_TIME);
  readonly #underWay = new Map<string, UnderWay>();

  constructor(layout: Layout, registry: Registry, nearby: Bytes | undefined) {
    this.#layout = layout;
    this.#registry = registry;
    this.#nearby = nearby;
  }

  /** Downloads the blob unless it is stored. A power cut can still lose it until `blobs` is synced. */
  async bring(name: string, blob: Blob, source: Source, watch: DownloadWatch): Promise<void> {
    const registry = reachedBy(name, source);
    for (;;) {
      if (isPresent(this.#layout, blob)) return watch.onBytes(blob.size);
      const other = this.#underWay.get(blob.digest);
      if (other === undefined) break;
      // The other download may have failed for reasons of its own: its repository, credentials or signal.
      // It reports them itself, and the blob is tried again here.
      const outage = await other.outage;
      if (outage !== undefined && other.registry === registry) throw outage;
    }
    const places = blob.size < LARGE ? this.#small : this.#large;
    const download = places.run(blob.size, () => this.#download(name, blob, source, watch));
    const outage = download.then(
      () => undefined,
      (error: unknown) => (watch.signal.aborted ? undefined : outageIn(error)),
    );
    this.#underWay.set(blob.digest, { registry, outage });
    try {
      await download;
    } finally {
      this.#underWay.delete(blob.digest);
    }
  }

  async #download(name: string, blob: Blob, source: Source, watch: DownloadWatch): Promise<void> {
    watch.signal.throwIfAborted();
    if (source.from === 'layout') return this.#copy(blob, source.images, watch);
    const nearby = this.#nearby;
    if (nearby !== undefined && (await this.#copyNearby(blob, nearby, watch))) return;
    const begun = await beginBlob(this.#layout, blob);
    const { file, path, progress } = begun;
    if (progress.length > 0) watch.onBytes(progress.length);
    const writer = new ChunkWriter(file, path, blob.size, progress.length);
    const write = async (chunk: Buffer) => {
      await writer.write(chunk);
      watch.onBytes(chunk.length);
    };
    const restart = async () => {
      await writer.restart();
      watch.onBytes(-progress.length);
    };
    try {
      const { signal } = watch;
      await this.#registry.download(
        name,
        blob,
        source.access,
        { write, restart },
        { signal, progress },
      );
      await writer.end();
      await begun.finish();
    } catch (error) {
      // The part that could be written is the start of the blob.
      await writer.end().catch(() => undefined);
      await begun.abandon(error);
      throw error;
    }
  }

  /** @returns whether the blob was there, and undamaged. */
  async #copyNearby(
    blob: Blob,
    nearby: Bytes,
    { signal, onBytes }: DownloadWatch,
  ): Promise<boolean> {
    let copied = 0;
    const count = (bytes: number) => {
      copied += bytes;
      onBytes(bytes);
    };
    try {
      await this.#copy(blob, nearby, { signal, onBytes: count });
      return true;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof LayoutError)) throw error;
      onBytes(-copied);
      return false;
    }
  }

  async #copy(blob: Blob, from: Bytes, watch: DownloadWatch): Promise<void> {
    const path = blobPath(this.#layout, blob.digest);
    await writeAtomically(this.#layout, path, async (file) => {
      const writer = new ChunkWriter(file, path, blob.size);
      for await (const chunk of from.read(blob)) {
        watch.signal.throwIfAborted();
        await writer.write(chunk);
        watch.onBytes(chunk.length);
      }
      await writer.end();
    });
  }
}

/** Blobs that lie on this machine. */
export type Bytes = Pick<ShippedImages, 'read'>;

interface UnderWay {
  /** The registry that is asked, as `reachedBy` has it. */
  readonly registry: string | undefined;
  /** Resolves when the download ends: to the error, if the registry did not answer. */
  readonly outage: Promise<RegistryError | undefined>;
}

/**
 * The registry of a name, and whether its certificate is checked: an expired one is an outage only for those
 * who check it. Undefined for a layout, to which outages are nothing.
 */
function reachedBy(name: string, source: Source): string | undefined {
  if (source.from === 'layout') return undefined;
  const { registry } = parseName(name);
  return `${registry} ${source.access.tlsVerify !== false}`;
}

/** The error, if everybody else who asks this registry would meet it too, after an equally long wait. */
function outageIn(error: unknown): RegistryError | undefined {
  if (!(error instanceof RegistryError) || error.kind !== 'unreachable') return undefined;
  // A rate limit may apply only to that repository or those credentials.
  return error.code === 'rate-limited' ? undefined : error;
}
