import * as v from 'valibot';
import { API_VERSION } from '../common/version.ts';

const digest = v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/));

/** What names mean for good: the file `/usr/lib/berth/lock.json` of a root. */
export const LockFile = v.strictObject({
  apiVersion: v.literal(API_VERSION),
  kind: v.literal('Lock'),
  images: v.array(
    v.strictObject({
      /** The full name, with its tag or digest. */
      name: v.string(),
      /** The index's, or the manifest's own where there is no index. */
      digest,
      /** The manifest of each platform: `linux/amd64`. */
      platforms: v.record(v.string(), digest),
    }),
  ),
});

/** The document as a lock, or where it is not one. */
export function checkLock(document: unknown): v.InferOutput<typeof LockFile> | string {
  const checked = v.safeParse(LockFile, document);
  if (checked.success) return checked.output;
  const [issue] = checked.issues;
  return `${v.getDotPath(issue) ?? 'the whole'}: ${issue.message}`;
}
