import * as v from 'valibot';
import { printable } from '../failure.ts';
import { type Identity, matchesIdentity } from './identity.ts';
import type { Judged } from './judged.ts';
import type { Signature } from './signature.ts';
import { readStrictJson } from './strict-json.ts';

/** In Go the time is a 64-bit integer. */
const timestamp = v.pipe(
  v.number(),
  v.integer(),
  v.minValue(-(2 ** 63)),
  v.check((value) => value < 2 ** 63),
);

const optional = v.pipe(
  v.unknown(),
  // The next step would take a list for an object.
  v.check((value) => !Array.isArray(value)),
  v.looseObject({ creator: v.nullish(v.string()), timestamp: v.nullish(timestamp) }),
);

function critical<T extends string>(type: T) {
  return v.strictObject({
    type: v.literal(type),
    image: v.strictObject({ 'docker-manifest-digest': v.string() }),
    identity: v.strictObject({ 'docker-reference': v.string() }),
  });
}

/** The simple signing format (containers-signature(5)), as containers/image reads it, and cosign's of it. */
const schemas = {
  openpgp: v.strictObject({ critical: critical('atomic container signature'), optional }),
  sigstore: v.strictObject({
    critical: critical('cosign container image signature'),
    optional: v.nullable(optional),
  }),
};

/**
 * Compares signed content with an image. The content states that a name means a manifest.
 *
 * @returns a string that says why the content does not speak for the image.
 */
export function faultOfPayload(
  kind: Signature['kind'],
  content: Buffer,
  signedIdentity: Identity,
  { name, manifest }: Pick<Judged, 'name' | 'manifest'>,
): string | undefined {
  const payload = readStrictJson(schemas[kind], content);
  if (payload === undefined) return 'a signature that names no image';
  const { image, identity } = payload.critical;
  const { 'docker-manifest-digest': signed } = image;
  if (signed !== manifest) return `a signature for ${printable(signed)}`;
  const { 'docker-reference': called } = identity;
  return matchesIdentity(signedIdentity, name, called)
    ? undefined
    : `a signature for the name ${printable(called)} (${signedIdentity.type})`;
}
