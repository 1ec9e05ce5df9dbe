import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const system = 'usr/lib/systemd/system';
const quadlets = 'usr/share/containers/systemd';
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
  'usr/lib/berth/images.d/j.list': 'example.com/j:1\n',
};

/**
 * Writes an OS tree with what most have: Quadlet units, services, scripts and a list. What V8 compiles for a tree with
 * more takes longer to read at each start.
 *
 * @param {string} directory gets the tree.
 */
export function writeSampleRoot(directory) {
  const root = join(directory, 'root');
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const wants = join(root, 'etc/systemd/system/multi-user.target.wants');
  mkdirSync(wants, { recursive: true });
  for (const name of ['run', 'plain']) {
    symlinkSync(`/${system}/${name}.service`, join(wants, `${name}.service`));
  }
  return root;
}
