import { isDigest } from '../../../image/digest.ts';
import { formatReference, parseName, parseReference } from '../../../image/name.ts';
import type { DockerApi } from '../api/api.ts';
import { refused } from '../api/failure.ts';

/** The full names for the short ones that docker lists: `nginx:1.27` is `docker.io/library/nginx:1.27`. */
export function fullNames(listed: readonly string[]): readonly string[] {
  // Where an image has no name, some versions list `<none>:<none>`, which is no reference.
  // docker 28 may list a digest alone.
  const parsed = listed.flatMap((name) => (isDigest(name) ? [] : (parseReference(name) ?? [])));
  return [...new Set(parsed.map(formatReference))];
}

/** The repository of a full name, in the short form that docker's filters take: `nginx`. */
export function familiarOf(name: string): string {
  const { registry, repository } = parseName(name);
  if (registry !== 'docker.io') return `${registry}/${repository}`;
  return repository.replace(/^library\/(?=[^/]+$)/, '');
}

/** How often berth tries to move a name that others move at the same time. */
const MOST_ATTEMPTS = 8;

/**
 * Makes a tagged name mean the image, and moves the name if it meant another.
 *
 * @param target docker's id of the image.
 * @returns false if docker does not have the image.
 */
export async function giveName(api: DockerApi, target: string, name: string): Promise<boolean> {
  const { registry, repository, tag = 'latest' } = parseName(name);
  const query = { repo: `${registry}/${repository}`, tag };
  const call = { method: 'POST', path: `/images/${target}/tag`, query } as const;
  for (let attempt = 1; ; attempt++) {
    const reply = await api.send(call);
    if (reply.status === 201) return true;
    // containerd's image store removes a name before it sets the name anew, so two movers may collide. Some
    // versions then answer 404, as for an image that is not there: the name was gone just then (docker 28.5).
    const isMoved = reply.body.includes('already exists');
    if (!isMoved && reply.status === 404) return false;
    if (!isMoved || attempt === MOST_ATTEMPTS) throw refused(call, reply);
  }
}
