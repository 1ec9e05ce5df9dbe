import { byDigest, isTag } from '../../../image/name.ts';
import type { ResolvedImage } from '../../../image/resolved.ts';
import type { Access } from '../../../registry/access.ts';
import { EngineError } from '../../errors.ts';
import type { FetchWatch } from '../../fetch-watch.ts';
import { accessOf, type Source } from '../../source.ts';
import type { PodmanApi } from '../api/api.ts';
import { failed } from '../api/failure.ts';
import { artifactNamed } from './artifacts.ts';
import { removeName } from './remove.ts';

/**
 * Has podman pull an artifact under a name.
 *
 * @returns the digest of the manifest that came.
 */
export type PullArtifact = (
  name: string,
  image: ResolvedImage,
  access: Access,
  watch: FetchWatch,
) => Promise<string>;

/**
 * Has podman pull an artifact by its digest, and by its tag if podman knows nothing by that name yet: only
 * a pull gives an artifact a name. A name that means another artifact stays.
 *
 * @returns the digest of the artifact's manifest.
 */
export async function fetchArtifact(
  api: PodmanApi,
  pull: PullArtifact,
  image: ResolvedImage,
  source: Source,
  watch: FetchWatch = {},
): Promise<string> {
  const name = byDigest(image.name, image.digest);
  if (source.from !== 'registry') throw failed(`it takes the artifact ${name} from no layout`);
  const held = await artifactNamed(api, name);
  if (held?.digest !== image.manifest) {
    const came = await pull(name, image, source.access, watch);
    if (came !== image.manifest) {
      throw failed(`${name} became the artifact ${came}, expected ${image.manifest}`);
    }
  }
  if (isTag(image.name) && (await artifactNamed(api, image.name)) === undefined) {
    await nameArtifact(api, pull, image, accessOf(source), watch);
  }
  watch.onBytes?.(image.blobs.reduce((sum, { size }) => sum + size, 0));
  return image.manifest;
}

/**
 * Makes the tagged name mean the artifact, by a pull of the name.
 *
 * @throws {EngineError} `artifact-name` if the name means another artifact in its registry.
 */
export async function nameArtifact(
  api: PodmanApi,
  pull: PullArtifact,
  image: ResolvedImage,
  access: Access,
  watch: FetchWatch = {},
): Promise<void> {
  const { name, manifest } = image;
  const before = await artifactNamed(api, name);
  if (before?.digest === manifest) return;
  const came = await pull(name, image, access, watch);
  if (came === manifest) return;
  // A name that was missing is missing again: nothing may mount another artifact by it.
  if (before === undefined) await removeName(api, name);
  throw new EngineError(
    'artifact-name',
    `expected ${name} to mean the artifact ${manifest} in its registry, found ${came}: podman names an artifact only as the registry does`,
    {
      hint: 'name the artifact by its digest, or give each version a tag of its own; else stage the root anew, with what the tag means now',
    },
  );
}
