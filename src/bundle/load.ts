import { join } from 'node:path';
import { formatBytes } from '../common/format-bytes.ts';
import { type Blob, distinctBlobs, distinctLayersOf, sizeOf } from '../image/resolved.ts';
import { type Context, changing, onUsual } from '../lifecycle/context.ts';
import { lackOfSpace, spaceInStore } from '../lifecycle/plan/space.ts';
import {
  type EngineSituation,
  recoverSituation,
  type Situation,
  situationOn,
} from '../lifecycle/situation.ts';
import type { Registry } from '../registry/registry.ts';
import { liesIn, receive } from '../store/receive.ts';
import { BundleError } from './failure.ts';
import type { BundleHead, HeadImage } from './read.ts';
import { withBundle } from './read.ts';

/** The result of loading a bundle. */
export interface LoadedBundle {
  readonly images: readonly HeadImage[];
  /** Bytes written; blobs that were already there are not written again. */
  readonly bytes: number;
}

/**
 * Takes a bundle into the store's directory, so that a stage finds its images without a registry, whatever
 * the engine: the meanings of its names, and the blobs that the host does not have.
 *
 * @param name what messages call the bundle.
 * @param bytes the bytes of the archive.
 * @throws {BerthError} `bundle-damaged`; `bundle-incomplete` if the bundle leaves out layers that this host
 *   does not have; `policy-rejected`; `no-space`. In these cases no name is written, and whole blobs stay
 *   for the next try.
 */
export async function loadBundle(
  context: Context,
  registry: Registry,
  name: string,
  bytes: AsyncIterable<Buffer>,
): Promise<LoadedBundle> {
  const store = join(context.state.directory, 'store');
  return changing(context, 'shared', () =>
    withBundle(name, bytes, async (reader) => {
      const { head } = reader;
      for (const image of head.images) {
        const beside = () => head.signatures.get(image.manifest) ?? [];
        await registry.permit(image, {}, { beside, offline: true });
      }
      const situation = await recoverSituation(context);
      const { engine } = await onUsual(context);
      const usual = await lackedBy(situationOn(situation, engine.id), head);
      const lacking = usual.missing.filter(({ digest }) => head.omitted.has(digest));
      if (lacking.length > 0) throw incomplete(head, lacking);
      const { images, missing } = await lackedByAny(situation, head);
      await checkSpace(context, situation, store, head, missing);
      const lying = distinctLayersOf(images).filter((blob) => liesIn(store, blob));
      const needed = new Set([...missing, ...lying].map(({ digest }) => digest));
      return receive(store, context.signal, async (receiver) => {
        const progress = progressOf(context, sizeOf(missing));
        let written = 0;
        for await (const layer of reader.layers()) {
          const { blob } = layer;
          context.signal.throwIfAborted();
          if (!needed.has(blob.digest) || receiver.has(blob)) continue;
          await receiver.write(blob, progress.counted(layer.bytes()));
          written += blob.size;
        }
        // Until now another berth may have swept blobs to which no name led.
        const gone = lying.filter((blob) => !receiver.has(blob));
        if (gone.length > 0) throw incomplete(head, gone);
        for (const [digest, content] of head.documents) {
          await receiver.writeDocument(digest, content);
        }
        // Many names may mean one manifest.
        for (const manifest of new Set(head.images.map((image) => image.manifest))) {
          await receiver.sign(manifest, head.signatures.get(manifest) ?? []);
        }
        await receiver.name(head.images, head.documents);
        progress.end();
        return { images: head.images, bytes: written };
      });
    }),
  );
}

/** The images that an engine lacks, and the layers of these that neither it nor the store's directory has. */
interface Lacked {
  readonly images: readonly HeadImage[];
  readonly missing: readonly Blob[];
}

async function lackedBy({ engine, images }: EngineSituation, head: BundleHead): Promise<Lacked> {
  const lacked = head.images.filter((image) => !images.has(engine.idOf(image)));
  const byManifest = new Map(lacked.map((image) => [image.manifest, image]));
  const { images: found } = await engine.footprint([...byManifest.values()]);
  const missing = new Set(found.flatMap((image) => image.missing.map(({ digest }) => digest)));
  return {
    images: lacked,
    missing: distinctLayersOf(lacked).filter(({ digest }) => missing.has(digest)),
  };
}

/** As `lackedBy`, for any engine that roots use: the bundle has an image once for all. */
async function lackedByAny({ engines }: Situation, head: BundleHead): Promise<Lacked> {
  const all: Lacked[] = [];
  for (const on of engines.values()) all.push(await lackedBy(on, head));
  const images = new Set(all.flatMap((one) => one.images));
  const missing = distinctBlobs(all.flatMap((one) => one.missing));
  return {
    images: head.images.filter((image) => images.has(image)),
    missing: missing.filter(({ digest }) => !head.omitted.has(digest)),
  };
}

/** How many missing layers an error names. */
const NAMED = 5;

function incomplete({ images }: BundleHead, lacking: readonly Blob[]): BundleError {
  const named = lacking.slice(0, NAMED).map(({ digest }) => {
    const of = images.filter(({ blobs }) => blobs.some((blob) => blob.digest === digest));
    return `${digest} of ${of.map(({ name }) => name).join(', ')}`;
  });
  const more = lacking.length > NAMED ? `; and ${lacking.length - NAMED} more` : '';
  const layers = lacking.length === 1 ? '1 layer' : `${lacking.length} layers`;
  return new BundleError(
    'bundle-incomplete',
    `the bundle leaves out ${layers} (${formatBytes(sizeOf(lacking))}) that this host does not have: ${named.join('; ')}${more}`,
    {
      hint: 'load the bundle that it builds on first, or make one without --since',
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
  const lack = await lackOfSpace(situation, what, space);
  if (lack !== undefined) throw lack;
}

/** Progress events report a bundle as if it were one image. */
function progressOf({ report }: Context, bytes: number) {
  const id = 'bundle';
  let passed = 0;
  if (bytes > 0) report({ event: 'fetch-started', id, name: id, bytes });
  return {
    counted: async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      for await (const chunk of chunks) {
        yield chunk;
        passed += chunk.length;
        report({ event: 'fetch-progress', id, name: id, bytes: passed });
      }
    },
    end: () => {
      if (bytes > 0) report({ event: 'fetched', id, name: id });
    },
  };
}
