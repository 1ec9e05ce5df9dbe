import type { TestContext } from 'node:test';
import { array, looseObject, number, object, parse, string } from 'valibot';
import type { Engine } from '../../../src/engine/engine.ts';
import type { PinRequest } from '../../../src/engine/pin.ts';
import { openPodman } from '../../../src/engine/podman/podman.ts';
import type { ResolvedImage } from '../../../src/image/resolved.ts';
import { type BuiltImage, buildImage } from '../../support/image-builder.ts';
import { startPodman, type TestPodman, type TestPodmanOptions } from '../../support/podman.ts';
import { type RegistryOptions, startRegistry, type TestRegistry } from '../../support/registry.ts';
import { fromRegistry } from '../../support/source.ts';

/** A registry, a podman with a store of its own, and berth's engine on it. */
export interface Harbour {
  readonly registry: TestRegistry;
  readonly podman: TestPodman;
  readonly engine: Engine;
  /** Pushes a small image of its own and returns what its name resolves to. */
  readonly push: (
    name: string,
    seed: number,
    platforms?: readonly string[],
  ) => readonly ResolvedImage[];
  /** Pushes it and has the engine fetch it. */
  readonly fetched: (name: string, seed: number) => Promise<ResolvedImage>;
}

export async function openHarbour(
  t: TestContext,
  options: { readonly registry?: RegistryOptions; readonly podman?: TestPodmanOptions } = {},
): Promise<Harbour> {
  const registry = await startRegistry(options.registry);
  t.after(() => registry.close());
  const podman = await startPodman(t, { insecure: [registry.host], ...options.podman });
  const engine = await openPodman({
    user: false,
    pinKey: podman.pinKey,
    environment: podman.environment,
  });
  t.after(() => engine.close());
  const push: Harbour['push'] = (name, seed, platforms) => {
    const built = buildImage({
      layers: [{ files: { common: 'to all' } }, { bytes: 2000, seed }],
      ...(platforms === undefined ? {} : { platforms }),
      entrypoint: ['/sleep'],
    });
    registry.push(name, built);
    return resolvedOf(`${registry.host}/${name}`, built, platforms);
  };
  const fetched: Harbour['fetched'] = async (name, seed) => {
    const [image] = push(name, seed);
    if (image === undefined) throw new Error('an image has a platform');
    await engine.fetch(image, fromRegistry());
    return image;
  };
  return { registry, podman, engine, push, fetched };
}

/** The images to which a name would resolve, one for each platform. */
export function resolvedOf(
  name: string,
  built: BuiltImage,
  platforms: readonly string[] = ['linux/amd64'],
): readonly ResolvedImage[] {
  return built.manifests.map(({ digest, content }, index) => {
    const { config, layers } = parse(manifest, JSON.parse(content.toString()));
    return {
      name,
      digest: built.top.digest,
      manifest: digest,
      config: config.digest,
      platform: platforms[index] ?? '',
      blobs: [config, ...layers],
    };
  });
}

const descriptor = object({ mediaType: string(), digest: string(), size: number() });
const manifest = looseObject({ config: descriptor, layers: array(descriptor) });

export function pinRequest(image: ResolvedImage, staged = '2025-01-01T00:00:00Z'): PinRequest {
  const { config, platform, name, digest } = image;
  return {
    id: config,
    platform,
    names: [{ name, digest, manifest: image.manifest }],
    fetched: true,
    record: { location: '/sysroot', images: 1, problems: 0, staged },
  };
}
