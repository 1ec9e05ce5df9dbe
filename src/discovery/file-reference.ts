import type { ArchiveValue, ImageValue } from './image-value.ts';
import type { Fault, Problem } from './problem.ts';
import type { PullPolicy, Reference } from './reference.ts';

/** A file that names images for a service of the system. */
interface NamingFile {
  readonly path: string;
  /** `path` with links followed; the same as `path` if absent. */
  readonly realPath?: string;
}

/** An image as such a file names it. */
interface NamedImage {
  readonly raw: string;
  readonly line: number;
  readonly key: string;
  readonly kind: string;
  /** The service that runs the image, or the name of the file if there is none. */
  readonly unit: string;
  readonly policy: PullPolicy;
  /** Set for files that only berth reads. */
  readonly bind?: true;
}

/** A reference from a file that is no unit of systemd: a manifest, a list, a configuration. */
export function fileReference(
  { path, realPath = path }: NamingFile,
  { raw, line, key, kind, unit, policy, bind }: NamedImage,
  image: ImageValue | ArchiveValue,
  otherFaults: readonly Fault[] = [],
): Reference {
  const faults = image.ok ? otherFaults : [image.fault, ...otherFaults];
  const bound = bind === undefined ? {} : { bind };
  const subject = { unitPath: path, unit, ...bound };
  return {
    raw,
    path,
    line,
    key,
    kind,
    unit,
    unitPath: path,
    ...(realPath === path ? {} : { unitRealPath: realPath }),
    scope: 'system',
    activation: 'unknown',
    via: [],
    ...(image.ok && 'image' in image ? { image: image.image } : {}),
    ...(image.ok && 'archived' in image ? { archived: image.archived } : {}),
    pull: { policy },
    ...bound,
    problems: faults.map((fault): Problem => ({ ...fault, path, line, subject })),
  };
}
