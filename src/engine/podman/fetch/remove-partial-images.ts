import type { PodmanApi } from '../api/api.ts';
import { isOwn, listLabelled } from '../images/images.ts';
import { removeImage } from '../images/remove.ts';
import { PARTIAL_LABEL } from './partial-image.ts';

/** At most so many are removed at a time: a user's podman may claim any number. */
const MOST = 64;

/**
 * In milliseconds: no removal begins later. An honest podman has few partial images, but each answer of a user's
 * podman may take minutes, and berth's locks are held meanwhile. A later run removes the rest.
 */
const LONGEST = 30_000;

/**
 * Removes the partial images of this run and of killed ones. An image that got a name is somebody's.
 *
 * @param config of the image whose layers they have: another run may be fetching other images. Absent for all images.
 */
export async function removePartialImages(api: PodmanApi, config?: string): Promise<void> {
  const label = config === undefined ? PARTIAL_LABEL : `${PARTIAL_LABEL}=${config}`;
  const end = performance.now() + LONGEST;
  const images = await listLabelled(api, label);
  const ours = images.filter((image) => isOwn(image) && (image.Names ?? []).length === 0);
  for (const { Id } of ours.slice(0, MOST)) {
    if (performance.now() > end) return;
    await removeImage(api, `sha256:${Id}`);
  }
}
