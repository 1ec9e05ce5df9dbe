import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type BuiltImage, buildImage } from '../support/image-builder.ts';

/** CAP_NET_RAW, permitted and effective: `struct vfs_cap_data` of linux/capability.h, revision 2. */
const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');

/** As `ls` says it, what only one with the powers for it can unpack. */
export const odd: readonly string[] = [
  '-rwsr-xr-x 0:0 bin/su',
  '-rwxr-x--- 7:8 home/file',
  'brw-r----- 0:6 dev/disk',
  'crw-rw-rw- 0:0 dev/null',
  'drwx------ 7:8 home',
  'dr-xr-sr-x 5:60 set',
  'prw-rw---- 5:60 fifo',
];

/** An image that runs for ever, with a busybox, and has what is odd in it. */
export function oddImage(): BuiltImage {
  const busybox = readFileSync(execFileSync('which', ['busybox'], { encoding: 'utf8' }).trim());
  return buildImage({
    layers: [
      {
        entries: [
          {
            path: 'bin/busybox',
            content: busybox,
            attributes: { 'security.capability': capability },
          },
          { path: 'bin/su', mode: 0o4755 },
          { path: 'home', type: 'directory', mode: 0o700, owner: [7, 8] },
          { path: 'home/file', mode: 0o750, owner: [7, 8] },
          { path: 'home/again', type: 'link', target: 'home/file', mode: 0o750, owner: [7, 8] },
          { path: 'set', type: 'directory', mode: 0o2555, owner: [5, 60] },
          { path: 'fifo', type: 'fifo', mode: 0o660, owner: [5, 60] },
          { path: 'dev/null', type: 'character', mode: 0o666, device: [1, 3] },
          { path: 'dev/disk', type: 'block', mode: 0o640, owner: [0, 6], device: [8, 0] },
        ],
      },
    ],
    entrypoint: ['/bin/busybox', 'sleep', '2147483647'],
  });
}
