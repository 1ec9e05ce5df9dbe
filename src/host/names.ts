import { BerthError } from '../common/errors.ts';
import { fullName } from '../image/name.ts';
import { readShortNames } from '../registry/registries-conf.ts';
import { openRoot } from '../root/open-root.ts';
import type { Root } from '../root/root.ts';
import { HostError } from './errors.ts';

/**
 * The full names that a user means. Digests and ids of images stay as they are.
 *
 * @param root whose registries.conf says what short names mean; that of the running system if left out.
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

/** As `namesMeantBy`, for a word that may be something else than a name: then there is no name. */
export async function namesThatMayBeMeantBy(raw: string): Promise<readonly string[]> {
  try {
    return await namesMeantBy([raw]);
  } catch (error) {
    if (error instanceof BerthError && error.kind === 'usage') return [];
    throw error;
  }
}
