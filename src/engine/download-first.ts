import { randomBytes } from 'node:crypto';
import { BerthError } from '../common/errors.ts';
import type { Blob, ResolvedImage } from '../image/resolved.ts';
import type { Access } from '../registry/access.ts';
import type { Registry } from '../registry/registry.ts';
import type { Depot } from './depot.ts';
import type { Engine } from './engine.ts';
import type { FetchWatch } from './fetch-watch.ts';
import type { PinRequest } from './pin.ts';
import { accessOf, type Source } from './source.ts';
import { withFetch } from './with-fetch.ts';

/** Tells whether this host limits the downloads of an image, and whether its engine may load it as an archive. */
export type Limiting = Pick<Registry, 'isLimited' | 'foresee'>;

/**
 * The engine, for which berth downloads the images whose registries this host limits: what an engine pulls
 * by itself keeps to no limit.
 *
 * @param warn is told of an image that the engine pulls all the same, and why.
 */
export function downloadingFirst(
  engine: Engine,
  registry: Limiting,
  warn: (message: string) => void,
): Engine {
  const { depot, traits } = engine;
  if (traits.downloads === 'berth') return engine;
  const fetch: Engine['fetch'] = async (image, source, watch = {}) => {
    const isLimited = () => registry.isLimited(image.name, accessOf(source));
    if (source.from === 'layout') return engine.fetch(image, source, watch);
    const pull = (why: string) => {
      warn(`${engine.id} pulls ${image.name} by itself, so no limit holds for it: ${why}`);
      return engine.fetch(image, source, watch);
    };
    if (depot === undefined) {
      return (await isLimited()) ? pull(onlyPulls) : engine.fetch(image, source, watch);
    }
    const blobs = await missingOf(engine, image);
    const isHere = blobs.length === 0 && depot.find(image.name, image) !== undefined;
    if (isHere || !(await isLimited())) return engine.fetch(image, source, watch);
    const why =
      (await whyNotDownloaded(depot, image, source.access, watch)) ??
      (traits.judges === 'engine' ? await whyNotLoaded(registry, image) : undefined);
    return why === undefined ? fetchByDepot(engine, depot, image, blobs, source, watch) : pull(why);
  };
  return withFetch(engine, fetch);
}

const onlyPulls = 'the engine takes images only from a registry';

async function missingOf(engine: Engine, image: ResolvedImage): Promise<readonly Blob[]> {
  const { images } = await engine.footprint([image]);
  return images.flatMap(({ missing }) => missing);
}

/** Why berth can't download an image for the engine; undefined if it can. */
async function whyNotDownloaded(
  depot: Depot,
  image: ResolvedImage,
  access: Access,
  { signal }: FetchWatch,
): Promise<string | undefined> {
  if (image.artifact === true) return 'it is an artifact';
  if (!depot.serves(image)) return 'the engine takes such an image only from a registry';
  return refusalOf(() => depot.permit(image, access, { signal }));
}

/** Why an engine that judges by policy.json would not load the image as an archive; undefined if it would. */
function whyNotLoaded(registry: Limiting, { name }: ResolvedImage): Promise<string | undefined> {
  return refusalOf(() => registry.foresee(name, 'archives'));
}

/** What policy.json has against an image. */
async function refusalOf(ask: () => Promise<void>): Promise<string | undefined> {
  try {
    await ask();
    return undefined;
  } catch (error) {
    if (error instanceof BerthError && error.code === 'policy-rejected') return error.message;
    throw error;
  }
}

/** Brings the missing blobs into the depot, where they are held until the engine has the image. */
async function fetchByDepot(
  engine: Engine,
  depot: Depot,
  image: ResolvedImage,
  blobs: readonly Blob[],
  source: Source,
  watch: FetchWatch,
): Promise<string> {
  // A root that no record knows: if this is killed, the next stage lets go of what it holds.
  const root = `download-${randomBytes(8).toString('hex')}`;
  const request = requestFor(engine.idOf(image), image);
  try {
    await depot.bring({ root, request }, image, blobs, source, watch);
    return await engine.fetch(image, source, withoutBytes(watch));
  } finally {
    await depot.drop(depot.pins().filter((pin) => pin.root === root));
  }
}

function requestFor(id: string, { name, digest, manifest, platform }: ResolvedImage): PinRequest {
  const record = { location: '', images: 1, problems: 0, staged: new Date().toISOString() };
  return { id, platform, names: [{ name, digest, manifest }], fetched: true, record };
}

function withoutBytes({ signal }: FetchWatch): FetchWatch {
  return signal === undefined ? {} : { signal };
}
