import { BerthError } from '../errors.ts';
import { formatPlatform } from '../image/platform.ts';
import type { ResolvedImage } from '../image/resolved.ts';
import type { Access } from '../registry/access.ts';
import type { Registry } from '../registry/registry.ts';
import type { Binding } from './bindings.ts';
import { type Context, changing, recoverSituation } from './context.ts';
import { mapLimited } from './limited.ts';
import { addManualPin } from './manual.ts';
import { moveNamesTo } from './names.ts';

export interface Pulled {
  readonly name: string;
  readonly digest: string;
  readonly id: string;
}

export interface PullFailure {
  readonly name: string;
  readonly error: BerthError;
}

/**
 * Fetches names for nobody in particular, as `podman pull` does; pins them only if `pin` says
 * under which id of pins made by hand. A name that a living root means otherwise is not moved.
 */
export async function pull(
  context: Context,
  registry: Registry,
  bindings: readonly Binding[],
  pin: string | undefined,
): Promise<{ pulled: readonly Pulled[]; failures: readonly PullFailure[] }> {
  return changing(context, 'shared', async () => {
    const { records, images } = await recoverSituation(context);
    const failures: PullFailure[] = [];
    const fetched = await mapLimited(bindings, context.engine.concurrency, async (binding) => {
      try {
        const { image, id } = await fetchOne(context, registry, binding);
        return { binding, image, id, brought: !images.has(id) };
      } catch (error) {
        if (!(error instanceof BerthError)) throw error;
        failures.push({ name: binding.name, error });
        return undefined;
      }
    });
    const pulled: Pulled[] = [];
    for (const item of fetched.filter((f) => f !== undefined)) {
      const { binding, image, id, brought } = item;
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
  context: Context,
  registry: Registry,
  binding: Binding,
): Promise<{ image: ResolvedImage; id: string }> {
  let first: unknown;
  for (const access of binding.accesses) {
    try {
      return await fetchBy(context, registry, binding, access);
    } catch (error) {
      first ??= error;
    }
  }
  throw first;
}

async function fetchBy(context: Context, registry: Registry, binding: Binding, access: Access) {
  const { name } = binding;
  const image = await registry.resolve(name, binding.platform, access);
  const blobs = await context.engine.missingBlobs(image);
  const bytes = blobs.reduce((sum, blob) => sum + blob.size, 0);
  const id = context.engine.idOf(image);
  if (bytes > 0) context.report({ event: 'fetch-started', id, name, bytes });
  await context.engine.fetch(image, access, {
    signal: context.signal,
    onBytes: (total) => {
      if (bytes > 0) context.report({ event: 'fetch-progress', id, bytes: total });
    },
  });
  if (bytes > 0) context.report({ event: 'fetched', id, name });
  return { image, id };
}
