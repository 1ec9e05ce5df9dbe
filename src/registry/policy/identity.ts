import * as v from 'valibot';
import type { NameParts } from '../../image/name.ts';
import { formatReference, isNamePrefix, parseReference } from '../../image/name.ts';

/** The identity that a signature must match: containers-policy.json(5), "signedIdentity". */
export type Identity = v.InferOutput<typeof identitySchema>;

const reference = v.pipe(
  v.string(),
  v.check((text) => parseReference(text) !== undefined, 'expected the name of an image'),
);
const prefix = v.pipe(
  v.string(),
  v.check(isNamePrefix, 'expected a registry, or a registry and namespaces, as in quay.io/acme'),
);

export const identitySchema = v.variant('type', [
  v.strictObject({ type: v.literal('matchExact') }),
  v.strictObject({ type: v.literal('matchRepoDigestOrExact') }),
  v.strictObject({ type: v.literal('matchRepository') }),
  v.strictObject({
    type: v.literal('exactReference'),
    dockerReference: v.pipe(
      reference,
      v.check((text) => isExact(parseReference(text)), 'expected a name with its tag or digest'),
    ),
  }),
  v.strictObject({ type: v.literal('exactRepository'), dockerRepository: reference }),
  v.strictObject({ type: v.literal('remapIdentity'), prefix, signedPrefix: prefix }),
]);

/**
 * Whether a signature for one name counts for an image.
 *
 * @param name the full name by which the image is requested.
 * @param signed the name in the signature; anybody can have written it.
 */
export function matchesIdentity(identity: Identity, name: string, signed: string): boolean {
  const intended = parseReference(name);
  const actual = parseReference(signed);
  if (intended === undefined || actual === undefined) return false;
  switch (identity.type) {
    case 'matchExact':
      return isSame(intended, actual);
    case 'matchRepoDigestOrExact':
      return isRepoDigestOrSame(intended, actual);
    case 'matchRepository':
      return isSameRepository(intended, actual);
    case 'exactReference':
      return isSame(parseReference(identity.dockerReference), actual);
    case 'exactRepository':
      return isSameRepository(parseReference(identity.dockerRepository), actual);
    case 'remapIdentity':
      return isRepoDigestOrSame(remapped(intended, identity), actual);
  }
}

function isExact(parts: NameParts | undefined): boolean {
  return parts?.tag !== undefined || parts?.digest !== undefined;
}

function isSame(intended: NameParts | undefined, signed: NameParts): boolean {
  if (intended === undefined || !isExact(intended) || !isExact(signed)) return false;
  return formatReference(intended) === formatReference(signed);
}

function isSameRepository(intended: NameParts | undefined, signed: NameParts): boolean {
  return intended?.registry === signed.registry && intended.repository === signed.repository;
}

/**
 * For an image that is requested only by digest, just the repositories are compared: its digest is judged
 * separately.
 */
function isRepoDigestOrSame(intended: NameParts | undefined, signed: NameParts): boolean {
  if (intended === undefined || !isExact(signed)) return false;
  return intended.tag === undefined
    ? intended.digest !== undefined && isSameRepository(intended, signed)
    : isSame(intended, signed);
}

function remapped(
  intended: NameParts,
  { prefix, signedPrefix }: Extract<Identity, { type: 'remapIdentity' }>,
): NameParts | undefined {
  const text = formatReference(intended);
  const repository = `${intended.registry}/${intended.repository}`;
  if (repository !== prefix && !repository.startsWith(`${prefix}/`)) return intended;
  const moved = `${signedPrefix}${text.slice(prefix.length)}`;
  const parts = parseReference(moved);
  // As in containers/image, a name that only parses after a default is added does not count.
  return parts !== undefined && formatReference(parts) === moved ? parts : undefined;
}
