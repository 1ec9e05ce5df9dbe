import { array, looseObject, nullish, string } from 'valibot';
import { mapLimited } from '../../../common/limited.ts';
import type { PodmanApi } from '../api/api.ts';
import { parse } from '../api/api.ts';
import { listContainers } from '../pins/holds.ts';
import type { StoredArtifact } from './artifacts.ts';

/**
 * Removes all names of an artifact, and with the last of them its files.
 *
 * @returns false, with nothing changed, if a container was made to mount it.
 */
export async function removeArtifact(
  api: PodmanApi,
  artifacts: readonly StoredArtifact[],
  id: string,
): Promise<boolean> {
  const names = artifacts.filter(({ digest }) => digest === id).map(({ name }) => name);
  if (await isMounted(api, new Set(names))) return false;
  for (const name of names) await removeName(api, name);
  return true;
}

export async function removeName(api: PodmanApi, name: string): Promise<void> {
  const path = `/artifacts/${encodeURIComponent(name)}`;
  await api.status({ method: 'DELETE', path }, 200, 404);
}

const AT_A_TIME = 8;

const commandReply = looseObject({
  Config: looseObject({ CreateCommand: nullish(array(string())) }),
});

/**
 * Whether a container mounts an artifact by one of its names. podman removes an artifact all the same, and
 * shows such mounts only in the command that made the container (5.8.6).
 */
async function isMounted(api: PodmanApi, names: ReadonlySet<string>): Promise<boolean> {
  const mounts = await mapLimited(await listContainers(api), AT_A_TIME, async ({ Id }) => {
    const path = `/containers/${Id}/json`;
    const { status, body } = await api.send({ method: 'GET', path });
    if (status !== 200) return false;
    const words = parse(commandReply, body.toString(), path).Config.CreateCommand ?? [];
    return words.some((word) => mountsAny(word, names));
  });
  return mounts.includes(true);
}

function mountsAny(word: string, names: ReadonlySet<string>): boolean {
  const fields = word.split(',');
  const isArtifact = fields.some((field) => /(?:^|=)type=artifact$/.test(field));
  return isArtifact && fields.some((field) => names.has(field.replace(/^.*?(?:source|src)=/, '')));
}
