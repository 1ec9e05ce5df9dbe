import { Secret } from '../common/secret.ts';
import { parseName } from '../image/name.ts';
import type { Access } from '../registry/access.ts';
import { findInAuthFile, parseAuthFile } from '../registry/auth/auth-file.ts';
import { type Root, RootError } from '../root/root.ts';

/** Where an OS brings credentials: bootc and ostree read these files of the OS that runs (ostree-container auth). */
const PATHS = ['/etc/ostree/auth.json', '/usr/lib/ostree/auth.json'];

/**
 * The ways to an image with the credentials that the OS of the root brings. The running system may not have
 * them yet: they may come with the very update that is staged. A file without credentials for the registry in
 * the name may have those for a registry to which the host's registries.conf leads.
 */
export function rootAccesses(root: Root): (name: string) => readonly Access[] {
  // The credentials of the running system are those of the host.
  const contents = root.location === '/' ? [] : PATHS.flatMap((path) => readIn(root, path) ?? []);
  const files = contents.flatMap((content) => {
    const file = parseAuthFile(content.reveal());
    if (file === undefined || Object.keys(file.auths).length === 0) return [];
    const sure: Access = { credentials: { kind: 'auth-file', content } };
    const perhaps: Access = { credentials: { kind: 'auth-file', content, isOptional: true } };
    return [{ file, sure, perhaps }];
  });
  return (name) => {
    const { registry, repository } = parseName(name);
    const known = files.find(
      ({ file }) => findInAuthFile(file, registry, repository)?.kind === 'credentials',
    );
    return known === undefined ? files.map(({ perhaps }) => perhaps) : [known.sure];
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
