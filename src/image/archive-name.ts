/** The transports of containers-transports(5) whose images lie in files. */
export type ArchiveTransport = 'docker-archive' | 'oci-archive' | 'oci' | 'dir';

/** An image, or all images, of an archive or directory in a root. Plain data. */
export interface ArchiveName {
  /** `any`: the program finds the format out itself, like `podman load`. */
  readonly transport: ArchiveTransport | 'any';
  /** An absolute path inside the root. */
  readonly path: string;
  /** Chooses one of several images: a full name, an annotation of the layout, or `@N`. */
  readonly ref?: string;
  /** The program unpacks the archive before it looks for images, so links in the archive count. */
  readonly isUnpacked?: boolean;
}

/**
 * Parses `docker-archive:PATH[:REF]`, `oci-archive:PATH[:REF]`, `oci:PATH[:REF]` or `dir:PATH`.
 *
 * Source: github.com/containers/image, `ParseReference` of docker/archive, oci/archive, oci/layout and
 * directory: a path ends at its first colon, but for `dir:`.
 *
 * @returns undefined if the text has none of these transports.
 */
export function parseArchiveName(text: string): ArchiveName | undefined {
  const [, transport = '', rest = ''] =
    /^(docker-archive|oci-archive|oci|dir):(.*)$/s.exec(text) ?? [];
  if (!isTransport(transport)) return undefined;
  const colon = transport === 'dir' ? -1 : rest.indexOf(':');
  if (colon < 0) return { transport, path: rest };
  const ref = rest.slice(colon + 1);
  return { transport, path: rest.slice(0, colon), ...(ref === '' ? {} : { ref }) };
}

function isTransport(text: string): text is ArchiveTransport {
  return ['docker-archive', 'oci-archive', 'oci', 'dir'].includes(text);
}

/** Writes the name as podman takes it; `any` has no transport. */
export function formatArchiveName({ transport, path, ref }: ArchiveName): string {
  const suffix = ref === undefined ? '' : `:${ref}`;
  return `${transport === 'any' ? '' : `${transport}:`}${path}${suffix}`;
}

/** The directory that a path lies in, if no tree brings files there. */
export function emptyAtBoot(path: string): string | undefined {
  return /^\/+(?:run|tmp|dev|proc|sys)(?=\/)/.exec(path)?.[0].replace(/^\/+/, '/');
}
