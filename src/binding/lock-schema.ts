import * as v from 'valibot';
import { checkBy } from '../common/check-by.ts';
import { API_VERSION } from '../common/version.ts';

const digest = v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/));

/** The file `/usr/lib/berth/lock.json` of a root, which fixes the meanings of names. */
export const LockFile = v.strictObject({
  apiVersion: v.literal(API_VERSION),
  kind: v.literal('Lock'),
  images: v.array(
    v.strictObject({
      /** The full name, with its tag or digest. */
      name: v.string(),
      /** The digest of the index, or of the manifest if there is no index. */
      digest,
      /** The digest of the manifest for each platform, such as `linux/amd64`. */
      platforms: v.record(v.string(), digest),
    }),
  ),
});

/** The checked document, or a text that says where the document is no lock. */
export function checkLock(document: unknown): v.InferOutput<typeof LockFile> | string {
  const checked = checkBy(LockFile, document);
  if (checked.success) return checked.output;
  const [issue] = checked.issues;
  return `${v.getDotPath(issue) ?? 'the whole'}: ${issue.message}`;
}
