import { dockerShortNames } from '../../../image/short-names.ts';
import { type ImageValue, imageOf } from '../../image-value.ts';
import type { Fault } from '../../problem.ts';

/**
 * The name of an OCI artifact as written in a unit. podman keeps an artifact under the very words of the
 * pull and compares them letter by letter (podman 5.8: `x`, `x:latest` and `x@sha256:…` are three
 * artifacts). So only a whole name has one meaning.
 */
export function artifactOf(value: string): ImageValue {
  // Short names are not looked up: `podman artifact pull x` always asks Docker Hub.
  const image = imageOf(value, dockerShortNames);
  return image.ok && image.image !== value ? { ok: false, fault: notWhole } : image;
}

/** Like `artifactOf`, for a value made of private ones: the fault does not quote the value. */
export function privateArtifactOf(value: string): ImageValue {
  const artifact = artifactOf(value);
  return artifact.ok ? artifact : { ok: false, fault: notWhole };
}

const notWhole: Fault = {
  code: 'artifact',
  message:
    'expected the whole name of an OCI artifact, with its registry and either a tag or a digest, found another form; podman finds artifacts by the very words of their name',
  hint: 'write it as REGISTRY/REPOSITORY:TAG or REGISTRY/REPOSITORY@sha256:DIGEST, everywhere alike',
};
