import { object, picklist, pipe, string, transform } from 'valibot';
import { checkBy } from '../../common/check-by.ts';
import type { EngineId } from '../../common/engine-id.ts';
import type { PinnedRecord, PinRequest } from '../pin.ts';
import {
  Digest,
  isLocation,
  isTime,
  PinnedNames,
  PinnedRecordText,
  PlatformText,
  RootId,
} from '../pinned-schema.ts';

/** A pin as the labels of its container describe it; `fetched` is only a claim. */
export interface Labelled extends PinRequest {
  readonly root: string;
}

export type Labels = Readonly<Record<string, string>>;

/** Every container and pod of berth has this label, whatever its value. */
export const SCHEMA_LABEL = 'berth.schema';

/** The root to which the pin or the pod belongs. */
export const ROOT_LABEL = 'berth.root';

/**
 * The berth that keeps a pin in a podman: `own` is that of the podman's own user; root's berth, in the podman
 * of another user, is called by the id by which it opened that podman. Each lists and changes its own pins
 * only: a podman may be opened by the name and by the UID of its user, and what is dropped for the one id
 * must stay for the other. As seals cover the keeper, none is valid in the podman of another user.
 */
export type Keeper = 'own' | EngineId;

/** The keeper of a pin or a pod. Earlier versions, which knew no other keeper than `own`, did not set it. */
export const KEEPER_LABEL = 'berth.keeper';

/** The engine's id of the image. */
export const IMAGE_LABEL = 'berth.image';

/** The seal, which proves that berth wrote the other labels: see `Seals`. */
export const SEAL_LABEL = 'berth.seal';

/** The labels that a seal covers, besides the container's name and the keeper. */
export const SEALED_LABELS = [
  SCHEMA_LABEL,
  ROOT_LABEL,
  IMAGE_LABEL,
  'berth.platform',
  'berth.fetched',
  'berth.names',
  'berth.record',
] as const;

/** To be counted up when the meaning of the labels changes. */
export const SCHEMA = '1';

/** The length of one label, in characters: enough for some 3000 names of one image. */
const MAX_TEXT = 1024 * 1024;

/**
 * Labels from which the pin can be read back, and together with the root's other pins also the root's
 * record.
 */
export function pinLabels(
  root: string,
  request: PinRequest,
  keeper: Keeper = 'own',
): Record<string, string> {
  const { id, platform, fetched } = request;
  const names = request.names.map(({ name, digest, manifest }) => ({ name, digest, manifest }));
  return {
    [SCHEMA_LABEL]: SCHEMA,
    [ROOT_LABEL]: root,
    [KEEPER_LABEL]: keeper,
    [IMAGE_LABEL]: id,
    'berth.platform': platform,
    'berth.fetched': String(fetched),
    'berth.names': JSON.stringify(names),
    'berth.record': JSON.stringify(recordText(request.record)),
  };
}

/**
 * A location that can't be shown safely is left out; if the record is lost, only the location is lost with
 * it.
 */
function recordText({ location, images, problems, staged, deployment }: PinnedRecord) {
  return {
    location: isLocation(location) ? location : '',
    images,
    problems,
    staged: isTime(staged) ? staged : '',
    deployment,
  };
}

/** Whether the labels of a container or pod name this keeper. */
export function isKeptBy(keeper: Keeper, labels: Labels): boolean {
  return (labels[KEEPER_LABEL] ?? 'own') === keeper;
}

/**
 * The text that a seal covers. For a pin of `own` it is the text of earlier versions, which may have to
 * read the pin after a roll back.
 */
export function sealedText(name: string, labels: Labels): string {
  const keeper = isKeptBy('own', labels) ? [] : [labels[KEEPER_LABEL]];
  return JSON.stringify([name, ...SEALED_LABELS.map((label) => labels[label] ?? ''), ...keeper]);
}

/**
 * Reads a pin back; undefined if the labels are not a pin of this schema. Labels are outside input: what is
 * not exactly as berth writes it is not berth's.
 *
 * A container inherits the labels of its image, and images may be hostile. But no image can contain its own
 * ID in a label, because the ID is a hash over the labels too.
 *
 * @param imageId `sha256:…`, the ID of the image that the container holds.
 */
export function readPinLabels(labels: Labels, imageId: string): Labelled | undefined {
  const result = checkBy(pinSchema, labels);
  if (!result.success || result.output[IMAGE_LABEL] !== imageId) return undefined;
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
      return text.length > MAX_TEXT ? undefined : JSON.parse(text);
    } catch {
      // A schema that this berth does not know.
      return undefined;
    }
  }),
);

const pinSchema = object({
  [SCHEMA_LABEL]: picklist([SCHEMA]),
  [ROOT_LABEL]: RootId,
  [IMAGE_LABEL]: Digest,
  'berth.platform': PlatformText,
  'berth.fetched': picklist(['true', 'false']),
  'berth.names': pipe(json, PinnedNames),
  'berth.record': pipe(json, PinnedRecordText),
});
