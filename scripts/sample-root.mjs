import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const system = 'usr/lib/systemd/system';
const quadlets = 'usr/share/containers/systemd';
const pod =
  'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - image: example.com/a:1\n';
const wanted = '[Install]\nWantedBy=multi-user.target\n';

const files = {
  'usr/lib/os-release': 'ID=sample\n',
  'etc/passwd': 'root:x:0:0::/root:/bin/sh\n',
  [`${system}/default.target`]: '[Unit]\nRequires=multi-user.target\n',
  [`${system}/multi-user.target`]: '[Unit]\nDescription=Multi-User System\n',
  [`${system}/run.service`]: `[Service]\nExecStart=podman run --rm -p 80:80 example.com/b:1\n${wanted}`,
  [`${system}/plain.service`]: '[Service]\nExecStart=/usr/bin/script --serve\n',
  'usr/bin/script': '#!/bin/sh\nname=c\nif true; then exec podman run "example.com/$name:1"; fi\n',
  [`${quadlets}/d.container`]: `[Container]\nImage=example.com/d:1\nVolume=d.volume:/d\n${wanted}`,
  [`${quadlets}/d.container.d/10-more.conf`]: '[Service]\nEnvironment=A=%n\n',
  [`${quadlets}/d.volume`]: '[Volume]\nDriver=image\nImage=example.com/e:1\n',
  [`${quadlets}/f.image`]: '[Image]\nImage=example.com/f\n',
  [`${quadlets}/g.kube`]: '[Kube]\nYaml=g.yaml\n',
  [`${quadlets}/g.yaml`]: pod,
  [`${quadlets}/h.build`]: '[Build]\nImageTag=h\nSetWorkingDirectory=/etc/h\n',
  'etc/h/Containerfile': 'FROM example.com/h:1\n',
  'etc/kubernetes/manifests/i.yaml': pod,
  'etc/compose/k/compose.yaml': 'services:\n  k:\n    image: example.com/k:${TAG:-1}\n',
  'usr/lib/berth/images.d/j.list': 'example.com/j:1\n',
};

/**
 * Writes an OS tree with a unit of most kinds, so that reading the tree runs most of berth's code.
 *
 * @param {string} directory gets the tree, and a berth.toml for the tree's Compose file.
 */
export function writeSampleRoot(directory) {
  const root = join(directory, 'root');
  const config = join(directory, 'berth.toml');
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const wants = join(root, 'etc/systemd/system/multi-user.target.wants');
  mkdirSync(wants, { recursive: true });
  for (const name of ['run', 'plain']) {
    symlinkSync(`/${system}/${name}.service`, join(wants, `${name}.service`));
  }
  writeFileSync(config, 'compose = ["/etc/compose/*"]\n');
  return { root, config };
}
