import type { Tree } from '../../support/tree.ts';
import { engineTests } from './found.ts';
import { emulation } from './trees.ts';

engineTests([
  ['Compose', compose({}), 'docker'],
  [
    'Compose with docker and podman',
    compose({ '/usr/bin/docker': '', '/usr/bin/podman': '' }),
    'docker',
  ],
  ['Compose with podman', compose({ '/usr/bin/podman': '' }), 'podman'],
  ['Compose with podman-compose', compose({ '/usr/bin/podman-compose': '' }), 'podman'],
  [
    'Compose with docker as podman',
    compose({ '/usr/bin/docker': emulation('exec podman "$@"') }),
    'podman',
  ],
]);

function compose(tree: Tree): Tree {
  return { '/srv/compose/compose.yaml': 'services: {a: {image: q.io/a:1}}\n', ...tree };
}
