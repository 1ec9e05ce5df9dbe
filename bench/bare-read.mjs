// The least that reading a directory of units by descriptors can cost in Node.
import { closeSync, constants, fstatSync, openSync, readdirSync, readSync } from 'node:fs';

const O_PATH = 0o10000000;
const directory = openSync(process.argv[2], O_PATH | constants.O_DIRECTORY);
const buffer = Buffer.alloc(65536);
let bytes = 0;
for (const name of readdirSync(`/proc/self/fd/${directory}`)) {
  const fd = openSync(
    `/proc/self/fd/${directory}/${name}`,
    constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
  );
  if (fstatSync(fd).isFile()) bytes += readSync(fd, buffer);
  closeSync(fd);
}
closeSync(directory);
if (bytes === 0) process.exitCode = 1;
