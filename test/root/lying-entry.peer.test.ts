import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { skipMounts } from '../support/small-file-system.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const openRoot = resolve(import.meta.dirname, '../../src/root/open-root.ts');

/** Lists a root, and then reads the file by what the list said. */
const read = `
  import { openRoot } from ${JSON.stringify(openRoot)};
  const root = openRoot(process.argv[1]);
  process.stdout.write(root.list('/etc').map(({ name, kind }) => name + ' ' + kind + '\\n').join(''));
  try {
    root.readFile('/etc/x.container');
  } catch (error) {
    process.stdout.write(error.message);
  }`;

test('a device is not opened, even if its entry claims to be a file', { skip: skipMounts }, (t) => {
  const directory = temporaryDirectory(t);
  const image = join(directory, 'fs');
  const mounted = join(directory, 'mounted');
  mkdirSync(mounted);
  execFileSync('mke2fs', ['-q', '-t', 'ext4', '-O', '^has_journal', image, '1M']);
  const change = (command: string) =>
    execFileSync('debugfs', ['-w', '-R', command, image], { stdio: 'ignore' });
  change('mkdir /etc');
  change('write /dev/null /etc/x.container');
  // From here on the inode is that of the character device 1:7, and the entry in /etc is not.
  change('set_inode_field /etc/x.container mode 0020644');
  change('set_inode_field /etc/x.container flags 0');
  change('set_inode_field /etc/x.container block[0] 0x107');
  execFileSync('mount', ['-o', 'loop,ro', image, mounted]);
  const log = join(directory, 'log');
  const words = ['-f', '-qq', '-e', 'trace=open,openat,openat2', '-o', log, process.execPath];
  let said: string;
  try {
    said = execFileSync(
      'strace',
      [...words, '--input-type=module-typescript', '-e', read, mounted],
      { encoding: 'utf8' },
    );
  } finally {
    execFileSync('umount', [mounted]);
  }
  assert.match(said, /^x\.container file$/m, 'the entry lies');
  assert.match(said, /found a character device/);
  const opened = readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line.includes('/x.container"'));
  assert.ok(opened.length > 0);
  for (const call of opened) assert.match(call, /O_PATH/);
  // By its O_PATH descriptor it is not opened either.
  const fd = / = (\d+)$/.exec(opened[0] ?? '')?.[1];
  assert.ok(!readFileSync(log, 'utf8').includes(`"/proc/self/fd/${fd}", O_RDONLY`));
});
