import { posix } from 'node:path';
import { type Root, RootError } from '../../root/root.ts';
import { type Etc, followed, whereInTree } from '../../systemd/etc.ts';

/** The program behind the command `docker` in a root: podman's emulation, or docker itself. */
export type DockerProgram = 'docker' | 'podman';

interface Tree {
  readonly root: Root;
  readonly etc: Etc;
}

/**
 * The directories in which systemd looks for a program without a path.
 *
 * Source: systemd, src/basic/path-util.h, `DEFAULT_PATH`.
 */
const directories = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/**
 * The program that the command `docker` starts. A root without the file counts as one with docker:
 * it may come with a system extension.
 *
 * @param command the command as written: `docker`, `/usr/bin/docker`.
 */
export function dockerProgram(command: string, tree: Tree): DockerProgram {
  const places = command.includes('/') ? [command] : directories.map((at) => `${at}/${command}`);
  for (const place of places) {
    const program = programAt(place, tree);
    if (program !== undefined) return program;
  }
  return 'docker';
}

/** Whether a root has a program in one of the usual directories. */
export function hasProgram(name: string, { root, etc }: Tree): boolean {
  const paths = name.startsWith('/')
    ? [whereInTree(etc, name)]
    : directories.map((directory) => `${directory}/${name}`);
  return paths.some((path) => {
    try {
      return root.lookup(followed(root, etc, path)) !== undefined;
    } catch (error) {
      if (error instanceof RootError) return false;
      throw error;
    }
  });
}

function programAt(path: string, { root, etc }: Tree): DockerProgram | undefined {
  try {
    const at = followed(root, etc, path);
    const found = root.lookup(at);
    if (found === undefined) return undefined;
    if (posix.basename(found.realPath) === 'podman') return 'podman';
    const start = root.readStart(at, longestScript)?.toString('latin1') ?? '';
    return isEmulation(start) ? 'podman' : 'docker';
  } catch (error) {
    if (error instanceof RootError) return 'docker';
    throw error;
  }
}

/** In bytes. The script of podman has 163 to 250, by version and distribution. */
const longestScript = 4096;

/**
 * Whether a file is the script of the package podman-docker, which hands all its arguments to podman.
 *
 * Source: podman, docker.in; the same in Debian and Fedora.
 */
function isEmulation(text: string): boolean {
  return (
    text.startsWith('#!') &&
    text.split('\n').some((line) => /^[ \t]*exec (?:\/[\w/.-]*\/)?podman "\$@"[ \t]*$/.test(line))
  );
}
