import { mapLimited } from '../../../common/limited.ts';
import type { Blob, ResolvedImage } from '../../../image/resolved.ts';
import { parseDocument } from '../../../oci/document.ts';
import type { Manifest } from '../../../oci/manifest.ts';
import { EngineError } from '../../errors.ts';
import type { FetchWatch } from '../../fetch-watch.ts';
import type { Containerd } from '../api/containerd.ts';
import { writeContent } from '../api/ingest.ts';
import { withLease } from '../api/leases.ts';
import type { Target } from '../api/names.ts';
import type { Documents } from '../images/documents.ts';
import { unpackLayers } from './unpack.ts';

/** Where the bytes of an image come from. */
export interface Bytes {
  /** A manifest or index; the bytes match the digest. */
  manifest(digest: string): Manifest | Promise<Manifest>;
  /** The bytes of a blob. containerd checks that they match the digest. */
  read(blob: Blob): AsyncIterable<Buffer>;
}

/** How many blobs are written at a time. */
const WRITTEN_AT_A_TIME = 4;

/**
 * Writes an image into containerd's content store, with the labels that tell containerd what an image consists of,
 * and unpacks it.
 *
 * @param blobs the blobs to write; containerd has the others.
 * @param name gives the image a name, which protects everything once the lease is gone.
 */
export async function storeImage(
  containerd: Containerd,
  documents: Documents,
  image: ResolvedImage,
  blobs: readonly Blob[],
  from: Bytes,
  { signal, onBytes, onUnpacked }: FetchWatch,
  name: (target: Target) => Promise<void>,
): Promise<void> {
  const top = await from.manifest(image.digest);
  const inner = image.digest === image.manifest ? [] : [await from.manifest(image.manifest)];
  await withLease(containerd, async (headers) => {
    const call = { signal, headers };
    let written = 0;
    const count = (bytes: number) => onBytes?.((written += bytes));
    await mapLimited(blobs, WRITTEN_AT_A_TIME, (blob) =>
      writeContent(containerd, blob, {}, from.read(blob), {
        ...call,
        onBytes: count,
      }),
    );
    for (const { digest, content } of [...inner, top]) {
      const labels = references(content, image.manifest);
      await writeContent(containerd, { digest, size: content.length }, labels, [content], call);
    }
    const diffIds = await documents.diffIds(image.config);
    const layers = image.blobs.slice(1);
    if (diffIds === undefined || diffIds.length !== layers.length) throw noRootfs(image);
    await unpackLayers(containerd, image.config, layers, diffIds, call, onUnpacked);
    const { mediaType, digest, content } = top;
    await name({ mediaType, digest, size: content.length });
  });
}

/**
 * The labels by which the garbage collection finds what a document refers to, as containerd's client writes
 * them (`images.ChildGCLabels`). For an index, only the stored image gets one.
 */
function references(content: Buffer, manifest: string): Record<string, string> {
  const document = parseDocument(content);
  if (document.kind === 'refused') return {};
  const reference = (label: string, digest: string) => [
    `containerd.io/gc.ref.content.${label}`,
    digest,
  ];
  if (document.kind === 'index') {
    const index = document.listed.findIndex(({ digest }) => digest === manifest);
    return Object.fromEntries([reference(`m.${Math.max(index, 0)}`, manifest)]);
  }
  const layers = document.layers.map(({ digest }, index) => reference(`l.${index}`, digest));
  return Object.fromEntries([reference('config', document.config.digest), ...layers]);
}

function noRootfs({ name }: ResolvedImage): EngineError {
  return new EngineError(
    'engine-failed',
    `expected a config of ${name} that lists a digest for each layer, found another`,
    { hint: 'containerd unpacks only images: is it an artifact?' },
  );
}
