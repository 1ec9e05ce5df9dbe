import { byDigest } from '../../../image/name.ts';
import type { PinnedName } from '../../pin.ts';
import type { Daemon } from '../api/daemon.ts';
import { type Entry, listEntries } from './images.ts';

/**
 * docker's ids of an image: in containerd's store a manifest and the index that leads to it are two images with
 * one config. Empty if docker does not have the image.
 */
export async function targetsOf(daemon: Daemon, id: string): Promise<readonly Entry[]> {
  return (await listEntries(daemon)).filter((entry) => entry.id === id);
}

/** The entry for which the first of these names stands that has one; else any entry of the image. */
export async function targetMeant(
  daemon: Daemon,
  id: string,
  names: readonly Pick<PinnedName, 'name' | 'digest'>[],
): Promise<Entry | undefined> {
  const [first] = names;
  const known = first && (await targetKnownAs(daemon, id, first));
  return known ?? targetFor(await targetsOf(daemon, id), names);
}

/** The entry of an image that docker has under a name by digest. */
export async function targetKnownAs(
  daemon: Daemon,
  id: string,
  { name, digest }: Pick<PinnedName, 'name' | 'digest'>,
): Promise<Entry | undefined> {
  const known = byDigest(name, digest);
  const entries = await listEntries(daemon, name);
  return entries.find((entry) => entry.id === id && entry.digests.includes(known));
}

function targetFor(
  entries: readonly Entry[],
  names: readonly Pick<PinnedName, 'name' | 'digest'>[],
): Entry | undefined {
  const meant = names.flatMap(({ name, digest }) => {
    const known = byDigest(name, digest);
    return entries.find((entry) => entry.digests.includes(known)) ?? [];
  });
  return (
    meant[0] ??
    entries.find(({ target }) => names.some(({ digest }) => digest === target)) ??
    entries[0]
  );
}
