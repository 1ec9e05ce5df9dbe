import { setTimeout as delay } from 'node:timers/promises';
import type { InferOutput } from 'valibot';
import type { EngineImage } from '../../engine.ts';
import type { PodmanApi } from '../api/api.ts';
import { listedImage } from '../api/replies.ts';
import { TornImageError } from '../api/torn-image.ts';

export type ListedImage = InferOutput<typeof listedImage>;

/**
 * The waits, in milliseconds, between the tries to list images while podman names a half-written one: another
 * podman may be writing it just now. Its manifest follows its entry on the list within moments.
 */
export const WAITS_FOR_WRITER: readonly number[] = [50, 100, 200, 400, 800, 1600];

/**
 * Every image of podman's own store, in one call. Images in additional stores are left out: the next OS may
 * not use the same stores.
 *
 * @param waits how long to wait for the writer of a half-written image, in milliseconds for each try.
 * @throws {TornImageError} if no writer finishes the image.
 */
export async function listImages(
  api: PodmanApi,
  waits = WAITS_FOR_WRITER,
): Promise<readonly EngineImage[]> {
  const images = new Map<string, EngineImage>();
  // podman lists an image twice if an additional store has it as well.
  for (const image of (await list(api, {}, waits)).filter(isOwn)) {
    const id = `sha256:${image.Id}`;
    const known = images.get(id);
    images.set(id, {
      id,
      names: union(
        known?.names,
        image.Names?.filter((name) => !name.includes('@')),
      ),
      digests: union(known?.digests, image.RepoDigests),
      size: Math.max(known?.size ?? 0, image.Size),
    });
  }
  return [...images.values()];
}

/** The images that podman has under an id: one in its own store, and perhaps some in additional ones. */
export function listImage(
  api: PodmanApi,
  id: string,
  waits = WAITS_FOR_WRITER,
): Promise<readonly ListedImage[]> {
  return list(api, { id: [hexOf(id)] }, waits);
}

/** The images with a label, in any store. */
export function listLabelled(api: PodmanApi, label: string): Promise<readonly ListedImage[]> {
  return list(api, { label: [label] }, WAITS_FOR_WRITER);
}

/** Whether podman's own store has the image. */
export async function hasImage(api: PodmanApi, id: string): Promise<boolean> {
  return (await listImage(api, id)).some(isOwn);
}

/** Whether the image lies in podman's own store, the only one that podman may change. */
export function isOwn(image: ListedImage): boolean {
  return image.ReadOnly !== true;
}

/** Whether any store has the image. */
export async function imageExists(api: PodmanApi, idOrName: string): Promise<boolean> {
  const path = `/images/${encodeURIComponent(hexOf(idOrName))}/exists`;
  return (await api.status({ method: 'GET', path }, 204, 404)) === 204;
}

/** podman's image IDs are digests of configs without the algorithm. */
export function hexOf(id: string): string {
  return id.replace(/^sha256:/, '');
}

async function list(
  api: PodmanApi,
  filters: Readonly<Record<string, readonly string[]>>,
  [wait, ...waits]: readonly number[],
): Promise<readonly ListedImage[]> {
  // Without `all`, podman looks for intermediate images, which takes longer.
  const query = { all: 'true', filters: JSON.stringify(filters) };
  try {
    return await api.list(listedImage, { method: 'GET', path: '/images/json', query });
  } catch (error) {
    if (!(error instanceof TornImageError) || wait === undefined) throw error;
  }
  await delay(wait);
  return list(api, filters, waits);
}

function union(
  some: readonly string[] | undefined,
  more: readonly string[] | null | undefined,
): readonly string[] {
  return [...new Set([...(some ?? []), ...(more ?? [])])];
}
