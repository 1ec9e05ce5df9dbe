import type { Engine } from '../../../src/engine/engine.ts';
import type { PinRequest } from '../../../src/engine/pin.ts';
import type { ResolvedImage } from '../../../src/image/resolved.ts';
import { fromRegistry } from '../../support/source.ts';
import type { Call, TestedEngine } from './tested-engine.ts';

export function fetchFrom(engine: Engine, image: ResolvedImage): Promise<string> {
  return engine.fetch(image, fromRegistry());
}

/** Opens an engine, runs the work with it, and closes it. */
export async function withEngine<T>(
  { open }: Pick<TestedEngine, 'open'>,
  work: (engine: Engine) => Promise<T>,
): Promise<T> {
  const engine = await open();
  try {
    return await work(engine);
  } finally {
    await engine.close();
  }
}

export async function make(engine: Engine, call: Call): Promise<void> {
  if ('fetch' in call) await fetchFrom(engine, call.fetch);
  else await engine.pin(call.root, call.pin);
}

/** A pin that berth would ask for, of an image that it fetched. */
export function requestFor(
  engine: Engine,
  image: ResolvedImage,
  { images = 1, staged = '2026-01-01T00:00:00Z' } = {},
): PinRequest {
  const { name, digest, manifest, platform } = image;
  return {
    id: engine.idOf(image),
    platform,
    names: [{ name, digest, manifest }],
    fetched: true,
    record: { location: '/sysroot', images, problems: 0, staged },
  };
}

/** The ids of the images that are pinned for a root, sorted. */
export async function pinnedFor(engine: Engine, root: string): Promise<readonly string[]> {
  const pins = await engine.pins();
  return pins
    .filter((pin) => pin.root === root)
    .map(({ id }) => id)
    .sort();
}

/** The tagged names of an image, sorted. */
export async function namesOf(engine: Engine, id: string): Promise<readonly string[]> {
  const images = await engine.images();
  return images.find((image) => image.id === id)?.names.toSorted() ?? [];
}
