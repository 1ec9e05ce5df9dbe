import * as v from 'valibot';
import { readStrictJson } from '../strict-json.ts';

/** The statement of a signature: this name means this manifest. */
export interface Payload {
  readonly manifest: string;
  readonly name: string;
}

/** The simple signing format, as cosign and containers/image write it. */
const schema = v.strictObject({
  critical: v.strictObject({
    type: v.literal('cosign container image signature'),
    image: v.strictObject({ 'docker-manifest-digest': v.string() }),
    identity: v.strictObject({ 'docker-reference': v.string() }),
  }),
  optional: v.nullable(
    v.looseObject({
      creator: v.nullish(v.string()),
      timestamp: v.nullish(v.pipe(v.number(), v.integer())),
    }),
  ),
});

/** Parses the signed content; undefined if it does not describe an image. */
export function parsePayload(content: Buffer): Payload | undefined {
  const payload = readStrictJson(schema, content);
  if (payload === undefined) return undefined;
  const { image, identity } = payload.critical;
  return { manifest: image['docker-manifest-digest'], name: identity['docker-reference'] };
}
