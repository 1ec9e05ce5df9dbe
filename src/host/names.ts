import { BerthError } from '../common/errors.ts';
import { fullName } from '../image/name.ts';
import { readShortNames } from '../registry/registries-conf.ts';
import type { Root } from '../root/root.ts';
import { withRoot } from './root.ts';

/**
 * The full names that a user means; digests and ids of images stay as they are.
 *
 * @param root whose registries.conf says what short names mean; that of the running system if left out.
 * @throws {BerthError} `image-name` for one that can't be a name, or may mean several.
 */
export async function namesMeantBy(
  raw: readonly string[],
  root?: Root,
): Promise<readonly string[]> {
  const { shortNames } = await (root === undefined
    ? withRoot('/', readShortNames, {})
    : readShortNames(root));
  return raw.map((text) => {
    if (/^(sha256:)?[0-9a-f]{12,64}$/.test(text)) return text;
    const result = fullName(text, shortNames);
    if (result.ok) return result.name;
    throw new BerthError(result.code, result.message, { hint: result.hint, kind: 'usage' });
  });
}

/** As `namesMeantBy`, for a word that may as well be something else: none if it can't be a name. */
export async function namesThatMayBeMeantBy(raw: string): Promise<readonly string[]> {
  try {
    return await namesMeantBy([raw]);
  } catch (error) {
    if (error instanceof BerthError && error.kind === 'usage') return [];
    throw error;
  }
}
