import { createHash } from 'node:crypto';
import { isRootId } from '../common/roots.ts';
import { isDeploymentName } from '../deployment/deployment.ts';
import { StateError } from './error.ts';

/** The id of the pins that people make by hand, with `berth pin` and `berth pull --pin`. */
export const MANUAL = 'manual';

/**
 * The id of a root that no updater names: a slug of its location. If the slug alone could also be another
 * path's, a hash of the location makes it unique. An image's digest is not part of the id: a tag that has
 * moved is the same root with another tree.
 */
export function idOfLocation(location: string): string {
  if (location === '/') return 'root';
  const plain = location.replace(/^\/+|\/+$|@sha256:[0-9a-f]{64}$/g, '');
  const slug = plain.replaceAll('/', '-').replace(/[^A-Za-z0-9._-]/g, '_');
  const unique = plain.length <= 80 && /^[A-Za-z0-9][A-Za-z0-9._/]*$/.test(plain);
  if (unique && slug !== 'root' && isRootId(slug) && !isManual(slug)) return slug;
  const hash = createHash('sha256')
    .update(plain.startsWith('image:') ? plain : location)
    .digest('hex')
    .slice(0, 8);
  const start = slug.slice(0, 80).replace(/^[^A-Za-z0-9]+/, '');
  return start === '' || isManual(start) ? `path-${hash}` : `${start}-${hash}`;
}

/**
 * Checks an id that a user gives.
 *
 * @throws {BerthError} `root-id` for an id that can't be a file's name or a label's value.
 */
export function checkedId(id: string): string {
  if (!isRootId(id)) {
    throw new StateError(
      'root-id',
      isDeploymentName(id)
        ? `${id} can't be the id of a root: it names whichever deployment has that role at the time`
        : `${JSON.stringify(id)} can't be the id of a root: expected a letter or digit, then up to 127 of A-Z a-z 0-9 . _ @ + -`,
      { hint: 'give another id', kind: 'usage' },
    );
  }
  return id;
}

/** Whether pins under this id were made by hand: `manual`, or `manual.NAME`. */
export function isManual(id: string): boolean {
  return id === MANUAL || id.startsWith(`${MANUAL}.`);
}
