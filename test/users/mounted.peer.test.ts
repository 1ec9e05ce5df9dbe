import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { startMachine } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';
import { home, mallory, skip, writeShared } from './mallory.ts';

/** Mounts as fusermount(1) does for a user, and then answers nothing that the kernel asks. */
const mount = `
import ctypes, os, sys
path, user = sys.argv[1], sys.argv[2]
fd = os.open('/dev/fuse', os.O_RDWR)
options = f'fd={fd},rootmode=40000,user_id={user},group_id={user},allow_other'.encode()
if ctypes.CDLL(None, use_errno=True).mount(b'x', path.encode(), b'fuse.x', 6, options) != 0:
    sys.exit(os.strerror(ctypes.get_errno()))
print('mounted', flush=True)
sys.stdin.read()
`;

const noFuse = !existsSync('/dev/fuse') && 'there is no /dev/fuse';

test('a file system of a user’s keeps no root from being ready, and hangs nobody', {
  skip: skip || noFuse,
}, async (t) => {
  const machine = await startMachine(t);
  machine.registry.push('app:1', buildImage({ layers: [{ bytes: 1000, seed: 1 }] }));
  const directory = mkdtempSync(join(tmpdir(), 'berth-test-'));
  const root = writeShared(join(directory, 'root'), {
    'usr/lib/berth/berth.toml': '[bind]\nmode = "all"\n',
    'usr/share/containers/systemd/app.container': '[Container]\nImage=registry.example.com/app:1\n',
  });
  const script = join(directory, 'mount.py');
  writeFileSync(script, mount);
  const daemon = spawn('python3', [script, join(root, home), String(mallory)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(daemon, 'exit');
  t.after(async () => {
    // The connection breaks with its program, and so does whoever waits for an answer.
    daemon.stdin.end();
    await ended;
    execFileSync('umount', ['--lazy', join(root, home)]);
    rmSync(directory, { recursive: true });
  });
  await once(daemon.stdout, 'data');
  const store = ['--engine', 'store'];
  for (const words of [
    ['images', root],
    ['stage', ...store, '--id', 'os', root],
    ['verify', ...store, 'os'],
  ]) {
    const { code, stderr } = await machine.berth(...words);
    assert.equal(code, 0, `${words[0]}: ${stderr}`);
  }
});
