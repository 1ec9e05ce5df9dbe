import type { Binding } from '../binding/bindings.ts';
import { BerthError } from '../common/errors.ts';
import { type NameFailure, tryLimited } from '../common/limited.ts';
import type { Unpacked } from '../engine/fetch-watch.ts';
import { formatPlatform } from '../image/platform.ts';
import { type ResolvedImage, sizeOf } from '../image/resolved.ts';
import type { Registry } from '../registry/registry.ts';
import { placeOf } from '../state/record.ts';
import { type Context, changing, type EngineContext, onUsual } from './context.ts';
import { lookUp } from './look-up.ts';
import { addManualPin } from './manual-pins.ts';
import { broughtByBerth } from './provenance.ts';
import { recoverSituation, situationOn } from './situation.ts';
import { arrived } from './stage/arrived.ts';
import { moveNamesTo } from './stage/settle-names.ts';

export interface Pulled {
  readonly name: string;
  readonly digest: string;
  readonly id: string;
}

/**
 * Fetches images by name for no root, as `podman pull` does. A name by which a living root means another
 * image is not moved.
 *
 * @param pin the id of pins made by hand under which the images are pinned; undefined pins nothing.
 */
export async function pull(
  given: Context,
  registry: Registry,
  bindings: readonly Binding[],
  pin: string | undefined,
): Promise<{ pulled: readonly Pulled[]; failures: readonly NameFailure[] }> {
  return changing(given, 'shared', async () => {
    const context = await onUsual(given);
    const engine = context.engine.id;
    const situation = await recoverSituation(context);
    const { records } = situationOn(situation, engine);
    const known = broughtByBerth(situation);
    const work = async (binding: Binding) => {
      const { image, id, isNew } = await fetchOne(context, registry, binding);
      return { binding, image, id, brought: isNew || known.has(placeOf({ engine, id })) };
    };
    const { concurrency } = context.engine;
    const { results, failures } = await tryLimited(bindings, concurrency, context.signal, work);
    const pulled: Pulled[] = [];
    for (const { binding, image, id, brought } of results) {
      await moveNamesTo(context, records, binding.name, id);
      if (pin !== undefined) {
        const served = { name: binding.name, digest: image.digest, manifest: image.manifest };
        const platform = formatPlatform(binding.platform);
        await addManualPin(context, pin, { id, platform, names: [served], fetched: brought });
      }
      pulled.push({ name: binding.name, digest: image.digest, id });
    }
    return { pulled, failures };
  });
}

async function fetchOne(
  context: EngineContext,
  registry: Registry,
  binding: Binding,
): Promise<{ image: ResolvedImage; id: string; isNew: boolean }> {
  const { name } = binding;
  const { image, source } = await lookUp(context, registry, binding);
  const id = context.engine.idOf(image);
  const isNew = !(await context.engine.has(id));
  // For an image that is here already, a further name brings no more than the config.
  const { images } = await context.engine.footprint(isNew ? [image] : []);
  const bytes = sizeOf(images.flatMap(({ missing }) => missing));
  const isComing = isNew || bytes > 0;
  if (isComing) context.report({ event: 'fetch-started', id, name, bytes });
  const onBytes = (here: number) => {
    if (bytes === 0) return;
    context.report({ event: 'fetch-progress', id, name, bytes: arrived(here, image, bytes) });
  };
  const onUnpacked = (unpacked: Unpacked) =>
    context.report({ event: 'unpack-progress', id, name, ...unpacked });
  try {
    const { signal } = context;
    await context.engine.fetch(image, source, { signal, onBytes, onUnpacked });
  } catch (error) {
    if (isComing && error instanceof BerthError) {
      const { code, message } = error;
      context.report({ event: 'fetch-failed', id, name, code, message });
    }
    throw error;
  }
  if (isComing) context.report({ event: 'fetched', id, name });
  return { image, id, isNew };
}
