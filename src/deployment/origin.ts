import type { Root } from '../root/root.ts';

/** The facts in the `.origin` file of a deployment. */
export interface Origin {
  readonly pinned: boolean;
  /** The OS image that the deployment was made from. */
  readonly image?: string;
}

/**
 * Reads the `.origin` key file beside a deployment. Without that file there is no origin.
 *
 * Source: ostree-deployment.c (`libostree-transient`), ostree-ext (`container-image-reference`).
 *
 * @throws {RootError}
 */
export function readOrigin(sysroot: Root, path: string): Origin {
  const values = parseKeyFile(sysroot.readFile(path)?.content.toString('utf8') ?? '');
  const reference = values.get('origin container-image-reference');
  return {
    pinned: values.get('libostree-transient pinned') === 'true',
    ...(reference === undefined ? {} : { image: imageOf(reference) }),
  };
}

/** Parses a key file. The values by `group key`; the last value of a key counts. */
export function parseKeyFile(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  let group = '';
  for (const line of text.split('\n')) {
    const header = /^\[(.*)\]\s*$/.exec(line)?.[1];
    const equals = line.indexOf('=');
    if (header !== undefined) group = header;
    else if (equals > 0 && /^[^#\s]/.test(line)) {
      values.set(`${group} ${line.slice(0, equals).trimEnd()}`, line.slice(equals + 1).trim());
    }
  }
  return values;
}

/** The image in a reference: `quay.io/acme/os:1` of `ostree-image-signed:docker://quay.io/acme/os:1`. */
function imageOf(reference: string): string {
  return reference
    .replace(
      /^ostree-(?:unverified-registry|unverified-image|image-signed|remote-image:[^:]*|remote-registry:[^:]*):/,
      '',
    )
    .replace(/^(?:docker:\/\/|registry:)/, '');
}
