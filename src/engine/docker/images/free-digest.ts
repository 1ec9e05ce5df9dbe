import type { Daemon } from '../api/daemon.ts';
import { listEntries } from './images.ts';

/**
 * Takes a name by digest from another image than the given one. docker's own store knows one image by a digest,
 * which for an index may be the image of another platform, and then it pulls no second one. An image without a
 * tag keeps the name, because docker would remove the image with its last name.
 */
export async function freeDigest(daemon: Daemon, id: string, name: string): Promise<void> {
  const known = (await listEntries(daemon)).find(({ digests }) => digests.includes(name));
  if (known === undefined || known.id === id || known.names.length === 0) return;
  const path = `/images/${encodeURIComponent(name)}`;
  await daemon.api.status({ method: 'DELETE', path }, 200, 404, 409);
}
