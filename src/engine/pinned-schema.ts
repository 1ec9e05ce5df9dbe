import * as v from 'valibot';
import { isRootId, roles, updaters } from '../common/roots.ts';
import { isNameOrId } from '../image/name.ts';
import { parsePlatform } from '../image/platform.ts';

/**
 * The content of pins, validated part by part. Pins lie in labels of containers, which anybody may write,
 * and in the store's own files.
 */

export const RootId = v.pipe(v.string(), v.check(isRootId, 'expected the id of a root'));

export const Digest = v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/));

/** `os/architecture[/variant]`; empty if unknown, as for an image that an apply goes back to. */
export const PlatformText = v.pipe(
  v.string(),
  v.check((text) => text === '' || parsePlatform(text) !== undefined, 'expected a platform'),
);

/** An upper bound; no root has so many names of one image. */
const MAX_NAMES = 3_000;

export const PinnedNames = v.pipe(
  v.array(
    v.strictObject({
      name: v.pipe(v.string(), v.check(isNameOrId, 'expected a full image name')),
      digest: Digest,
      manifest: Digest,
    }),
  ),
  v.maxLength(MAX_NAMES),
);

export const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** PATH_MAX of Linux, in characters. */
const MAX_LOCATION = 4096;

/** Whether a path can be shown to people: no characters that control a terminal or the direction of text. */
export function isLocation(text: string): boolean {
  return text.length <= MAX_LOCATION && !/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(text);
}

/** ISO 8601, in UTC; empty if unknown. */
export function isTime(text: string): boolean {
  if (text === '') return true;
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/.test(text) && !isNaN(Date.parse(text));
}

export const PinnedDeployment = v.strictObject({
  updater: v.picklist(updaters),
  role: v.picklist([...roles, 'held']),
});

export const PinnedRecordText = v.strictObject({
  location: v.pipe(v.string(), v.check(isLocation, 'expected a path')),
  images: Count,
  problems: Count,
  staged: v.pipe(v.string(), v.check(isTime, 'expected a time as ISO 8601 has it')),
  deployment: v.optional(PinnedDeployment),
});
