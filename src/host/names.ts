import { BerthError } from '../common/errors.ts';
import { fullName } from '../image/name.ts';
import { readShortNames } from '../registry/registries-conf.ts';
import { openRoot } from '../root/open-root.ts';
import type { Root } from '../root/root.ts';
import { HostError } from './errors.ts';

/**
 * The full names that a user means. Digests and ids of images stay as they are.
 *
 * @param root the root whose registries.conf defines short names; by default the running system's does.
 * @throws {HostError} for text that can't be a name, or may mean several.
 */
export async function namesMeantBy(
  raw: readonly string[],
  root?: Root,
): Promise<readonly string[]> {
  const { shortNames } = await (root === undefined ? shortNamesHere() : readShortNames(root));
  return raw.map((text) => {
    if (/^(sha256:)?[0-9a-f]{12,64}$/.test(text)) return text;
    const result = fullName(text, shortNames);
    if (result.ok) return result.name;
    throw new HostError(result.code, result.message, result.hint);
  });
}

async function shortNamesHere() {
  const root = openRoot('/');
  try {
    return await readShortNames(root);
  } finally {
    root.close();
  }
}

/** As `namesMeantBy`, for a word that need not be a name; if it is none, the list is empty. */
export async function namesThatMayBeMeantBy(raw: string): Promise<readonly string[]> {
  try {
    return await namesMeantBy([raw]);
  } catch (error) {
    if (error instanceof BerthError && error.kind === 'usage') return [];
    throw error;
  }
}
