import { join } from 'node:path';
import { liesIn, receive } from '../../engine/store/receive.ts';
import { BerthError } from '../../errors.ts';
import { formatBytes } from '../../format-bytes.ts';
import type { Blob } from '../../image/resolved.ts';
import { diffIdsIn } from '../../registry/image-config.ts';
import type { Registry } from '../../registry/registry.ts';
import { type Context, changing, recoverSituation, type Situation } from '../context.ts';
import { lackOfSpace, sizeOf, spaceInStore } from '../space.ts';
import type { BundleHead, HeadImage } from './read.ts';
import { withBundle } from './read.ts';

/** What came of a bundle. */
export interface LoadedBundle {
  readonly images: readonly HeadImage[];
  /** Written, in bytes; what was there is not written again. */
  readonly bytes: number;
}

/**
 * Takes a bundle in, so that a stage finds its images without a registry: what its names mean, and
 * the blobs that are not there. Any engine takes them from where they lie then.
 *
 * @param bytes of the archive.
 * @throws {BerthError} `bundle-damaged`; `bundle-incomplete` if it leaves out what this host does
 * not have; `policy-rejected`; `no-space`. Nothing is named then; whole blobs stay for the next try.
 */
export async function loadBundle(
  context: Context,
  registry: Registry,
  bytes: AsyncIterable<Buffer>,
): Promise<LoadedBundle> {
  const store = join(context.stateDirectory, 'store');
  return changing(context, 'shared', () =>
    withBundle(bytes, async (reader) => {
      const { head } = reader;
      for (const image of head.images) await registry.permit(image, {}, { offline: true });
      const situation = await recoverSituation(context);
      const layers = layersOf(context, situation, head);
      const absent = layers.filter((blob) => !liesIn(store, blob));
      const [lacking, wanted] = split(absent, head.omitted);
      const unknown = await unknownLayers(context, situation, head, lacking);
      if (unknown.length > 0) throw incomplete(head, unknown);
      await checkSpace(context, situation, store, head, wanted);
      // These podman has, if not as they come.
      const unpacked = new Set(lacking.map(({ digest }) => digest));
      const needed = new Set(layers.map(({ digest }) => digest));
      return receive(store, context.signal, async (receiver) => {
        const progress = progressOf(context, sizeOf(wanted));
        let written = 0;
        for await (const layer of reader.layers()) {
          const { blob } = layer;
          context.signal.throwIfAborted();
          if (!needed.has(blob.digest) || receiver.has(blob)) continue;
          await receiver.write(blob, progress.counted(layer.bytes()));
          written += blob.size;
        }
        // Another berth may have swept, until now, what nothing had a name for.
        const gone = layers.filter((blob) => !unpacked.has(blob.digest) && !receiver.has(blob));
        if (gone.length > 0) throw incomplete(head, gone);
        for (const [digest, content] of head.documents) {
          await receiver.writeDocument(digest, content);
        }
        await receiver.name(head.images, head.documents);
        progress.end();
        return { images: head.images, bytes: written };
      });
    }),
  );
}

/** The layers of the images that the engine does not have, wherever they are. */
function layersOf({ engine }: Context, { images }: Situation, head: BundleHead): readonly Blob[] {
  const absent = head.images.filter((image) => !images.has(engine.idOf(image)));
  const layers = absent.flatMap(({ blobs }) => blobs.slice(1));
  return [...new Map(layers.map((blob) => [blob.digest, blob])).values()];
}

/** Those that a bundle leaves out, and the others. */
function split(layers: readonly Blob[], omitted: ReadonlySet<string>): [Blob[], Blob[]] {
  const { out = [], others = [] } = Object.groupBy(layers, ({ digest }) =>
    omitted.has(digest) ? 'out' : 'others',
  );
  return [out, others];
}

/** Of these, those that the engine does not have unpacked either. */
async function unknownLayers(
  { engine }: Context,
  { images }: Situation,
  head: BundleHead,
  layers: readonly Blob[],
): Promise<readonly Blob[]> {
  if (layers.length === 0) return [];
  const present = new Set((await engine.layers(images.keys())).flat());
  const known = new Set(
    head.images.flatMap((image) => {
      const diffIds = diffIdsOf(image, head);
      const digests = image.blobs.slice(1).map(({ digest }) => digest);
      return digests.filter((_, i) => present.has(diffIds[i] ?? ''));
    }),
  );
  return layers.filter(({ digest }) => !known.has(digest));
}

function diffIdsOf(image: HeadImage, { documents }: BundleHead): readonly string[] {
  const content = documents.get(image.config) ?? Buffer.alloc(0);
  const place = { registry: 'of the bundle', repository: image.name, reference: image.config };
  return diffIdsIn(place, content, image.blobs.length - 1);
}

/** So many are named, to be looked for. */
const NAMED = 5;

function incomplete({ images }: BundleHead, lacking: readonly Blob[]): BerthError {
  const named = lacking.slice(0, NAMED).map(({ digest }) => {
    const of = images.filter(({ blobs }) => blobs.some((blob) => blob.digest === digest));
    return `${digest} of ${of.map(({ name }) => name).join(', ')}`;
  });
  const more = lacking.length > NAMED ? `; and ${lacking.length - NAMED} more` : '';
  const layers = lacking.length === 1 ? '1 layer' : `${lacking.length} layers`;
  return new BerthError(
    'bundle-incomplete',
    `the bundle leaves out ${layers} (${formatBytes(sizeOf(lacking))}) that this host does not have: ${named.join('; ')}${more}`,
    {
      hint: 'load the bundle that it builds on first, or make one without --since',
      kind: 'refused',
    },
  );
}

async function checkSpace(
  context: Context,
  situation: Situation,
  store: string,
  head: BundleHead,
  layers: readonly Blob[],
): Promise<void> {
  const documents = [...head.documents].map(([digest, { length }]) => ({
    mediaType: '',
    digest,
    size: length,
  }));
  const blobs = [...layers, ...documents];
  const what = `loading the bundle writes ${formatBytes(sizeOf(blobs))}`;
  const space = await spaceInStore(context, store, blobs);
  const lack = await lackOfSpace(context, situation, what, space);
  if (lack !== undefined) throw lack;
}

/** A bundle is one thing to whoever watches. */
function progressOf({ report }: Context, bytes: number) {
  const id = 'bundle';
  let passed = 0;
  if (bytes > 0) report({ event: 'fetch-started', id, name: id, bytes });
  return {
    counted: async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      for await (const chunk of chunks) {
        yield chunk;
        passed += chunk.length;
        report({ event: 'fetch-progress', id, bytes: passed });
      }
    },
    end: () => {
      if (bytes > 0) report({ event: 'fetched', id, name: id });
    },
  };
}
