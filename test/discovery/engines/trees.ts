import { container, type Tree, units } from '../../support/tree.ts';

/** A manifest of a pod with one image. */
export const manifest =
  'apiVersion: v1\nkind: Pod\nspec: {containers: [{name: c, image: q.io/p:1}]}\n';

/** A `.container` file with lines of its `[Service]`. */
export function quadlet(lines: string): Tree {
  return { [`${units}/a.container`]: `${container('q.io/a')}[Service]\n${lines}\n` };
}

/** A service with lines of its `[Service]`. */
export function service(lines: string): Tree {
  return { '/usr/lib/systemd/system/s.service': `[Service]\n${lines}\n` };
}

/** A list of images. */
export function list(text: string): Tree {
  return { '/usr/lib/berth/images.d/a.list': text };
}

/** The script of the package podman-docker, with its last line. */
export function emulation(last: string): string {
  return `#!/bin/sh\n[ -e /etc/containers/nodocker ] || \\\necho "Emulate Docker CLI using podman." >&2\n${last}\n`;
}
