import {
  array,
  looseObject,
  number,
  object,
  optional,
  picklist,
  pipe,
  safeParse,
  string,
  transform,
} from 'valibot';
import type { PinRequest } from '../engine.ts';

/** What the labels of a pin's container say. */
export interface Labelled extends PinRequest {
  readonly root: string;
}

/** Every container and pod of berth has it, whatever its value. */
export const SCHEMA_LABEL = 'berth.schema';

/** Of pods as well: whose they are. */
export const ROOT_LABEL = 'berth.root';

/** A later schema that means something else counts up. */
const SCHEMA = '1';

/** Labels from which the pin, and with the other pins of its root the root's record, can be read. */
export function pinLabels(root: string, request: PinRequest): Record<string, string> {
  const { id, platform, fetched } = request;
  const names = request.names.map(({ name, digest, manifest }) => ({ name, digest, manifest }));
  const { location, images, problems, staged, deployment } = request.record;
  return {
    [SCHEMA_LABEL]: SCHEMA,
    [ROOT_LABEL]: root,
    'berth.image': id,
    'berth.platform': platform,
    'berth.fetched': String(fetched),
    'berth.names': JSON.stringify(names),
    'berth.record': JSON.stringify({ location, images, problems, staged, deployment }),
  };
}

export function podLabels(root: string): Record<string, string> {
  return { [SCHEMA_LABEL]: SCHEMA, [ROOT_LABEL]: root };
}

/**
 * Reads a pin back; undefined for a container that is no pin of this schema.
 *
 * A container inherits the labels of its image, and images are hostile: but none can say its own
 * ID, which is a hash over what it says.
 *
 * @param imageId `sha256:…`, of the image that the container holds.
 */
export function readPinLabels(
  labels: Readonly<Record<string, string>>,
  imageId: string,
): Labelled | undefined {
  const result = safeParse(pinSchema, labels);
  if (!result.success || result.output['berth.image'] !== imageId) return undefined;
  const label = result.output;
  return {
    id: imageId,
    root: label[ROOT_LABEL],
    platform: label['berth.platform'],
    fetched: label['berth.fetched'] === 'true',
    names: label['berth.names'],
    record: label['berth.record'],
  };
}

const json = pipe(
  string(),
  transform((text): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      // Not of any shape that follows.
      return undefined;
    }
  }),
);

const pinSchema = looseObject({
  [SCHEMA_LABEL]: picklist([SCHEMA]),
  [ROOT_LABEL]: string(),
  'berth.image': string(),
  'berth.platform': string(),
  'berth.fetched': picklist(['true', 'false']),
  'berth.names': pipe(
    json,
    array(object({ name: string(), digest: string(), manifest: string() })),
  ),
  'berth.record': pipe(
    json,
    object({
      location: string(),
      images: number(),
      problems: number(),
      staged: string(),
      deployment: optional(object({ updater: string(), role: string() })),
    }),
  ),
});
