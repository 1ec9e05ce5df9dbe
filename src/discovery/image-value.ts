import { fullName } from '../image/name.ts';
import type { ShortNames } from '../image/short-names.ts';
import type { Fault } from './problem.ts';

/** The full name of an image, or why a text is not one. */
export type ImageValue =
  | { readonly ok: true; readonly image: string }
  | { readonly ok: false; readonly fault: Fault };

/** The transports of containers-transports(5), but for `docker://`, which all plain names imply. */
const transports: ReadonlySet<string> = new Set([
  'atomic',
  'containers-storage',
  'dir',
  'docker-archive',
  'docker-daemon',
  'oci',
  'oci-archive',
  'ostree',
  'sif',
  'tarball',
]);

/** Like `imageOf`, for a value made of private ones: the fault does not quote the value. */
export function privateImageOf(value: string, shortNames: ShortNames): ImageValue {
  const image = imageOf(value, shortNames);
  if (image.ok) return image;
  const { code } = image.fault;
  return {
    ok: false,
    fault: {
      code,
      message: `expected the name of an image once the variables are replaced, found none (${code}); their values are not shown, since not everybody may read the file that holds them`,
      hint: 'look at the file of EnvironmentFile=, or write the image out in the unit',
    },
  };
}

/** The full name of an image as written in a unit, with specifiers and variables replaced. */
export function imageOf(value: string, shortNames: ShortNames): ImageValue {
  const transport = value.slice(0, Math.max(0, value.indexOf(':')));
  if (transports.has(transport)) {
    return {
      ok: false,
      fault: {
        code: 'transport',
        message: `expected an image in a registry, found one with the transport ${transport}:`,
        hint: 'push the image to a registry and name it there',
      },
    };
  }
  if (value.startsWith('sha256:') || /^[0-9a-fA-F]{64}$/.test(value)) {
    return {
      ok: false,
      fault: {
        code: 'image-id',
        message:
          'expected the name of an image, found an ID, by which no registry can find an image',
        hint: 'write REPOSITORY@sha256:DIGEST with the digest of its manifest',
      },
    };
  }
  const result = fullName(value, shortNames);
  if (result.ok) return { ok: true, image: result.name };
  const { code, message, hint } = result;
  return { ok: false, fault: { code, message, hint } };
}
