import { Secret } from '../common/secret.ts';
import { parseName } from '../image/name.ts';
import type { Access } from '../registry/access.ts';
import { findInAuthFile, parseAuthFile } from '../registry/auth/auth-file.ts';
import { type Root, RootError } from '../root/root.ts';

/** Where an OS brings credentials: bootc and ostree read these files of the OS that runs (ostree-container auth). */
const PATHS = ['/etc/ostree/auth.json', '/usr/lib/ostree/auth.json'];

/**
 * The access to an image with the credentials that the OS of the root brings for its registry. The running system
 * may not have them yet: they may come with the very update that is staged.
 *
 * @returns a function that returns undefined for a name without such credentials.
 */
export function rootAccess(root: Root): (name: string) => Access | undefined {
  // The credentials of the running system are those of the host.
  const contents = root.location === '/' ? [] : PATHS.flatMap((path) => readIn(root, path) ?? []);
  // Parsed once: a root can name a hundred thousand images.
  const files = contents.flatMap((content) => {
    const file = parseAuthFile(content.reveal());
    return file === undefined ? [] : [{ content, file }];
  });
  return (name) => {
    const { registry, repository } = parseName(name);
    for (const { content, file } of files) {
      const found = findInAuthFile(file, registry, repository);
      if (found?.kind === 'credentials') return { credentials: { kind: 'auth-file', content } };
    }
    return undefined;
  };
}

/** A file that can't be read is passed over: the image is asked for without credentials, and that failure says why. */
function readIn(root: Root, path: string): Secret | undefined {
  try {
    const file = root.readFile(path);
    return file && new Secret(file.content.toString('utf8'));
  } catch (error) {
    if (error instanceof RootError) return undefined;
    throw error;
  }
}
