import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import test from 'node:test';
import { container, main, startMachine, writeRoot } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';

const image = 'registry.example.com/web:1';

test('status --watch shows a root as soon as it is staged, and ends with Ctrl-C', async (t) => {
  const machine = await startMachine(t);
  machine.registry.push('web:1', buildImage({ layers: [{ bytes: 1000, seed: 1 }] }));
  const root = writeRoot(join(machine.directory, 'os'), container('web', image));
  const child = spawn(process.execPath, [main, 'status', '--watch', '--engine', 'store'], {
    env: machine.environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  const closed = once(child, 'close');
  const [first] = await once(child.stderr, 'data');
  assert.match(String(first), /^Nothing is staged on store/);
  const flags = ['--engine', 'store', '--bind', 'all', '--id', 'os'];
  const staged = await machine.berth('stage', ...flags, root);
  assert.equal(staged.code, 0, staged.stderr);
  let shown = '';
  for await (const piece of child.stdout.setEncoding('utf8')) {
    shown += String(piece);
    if (/^os .* ready .*web:1 .* ready$/m.test(shown)) break;
  }
  child.kill('SIGINT');
  const [, signal] = await closed;
  assert.equal(signal, 'SIGINT');
});

test('status --watch ends as soon as nobody reads its pipe, though nothing changes', async (t) => {
  const machine = await startMachine(t);
  // A pipe of the shell's: those of Node are sockets.
  const line = `{ '${process.execPath}' '${main}' status --watch -o json; echo "$?" >&3; } | head -1`;
  const child = spawn('bash', ['-c', line], {
    env: machine.environment,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  const [code] = await once(child.stdio[3] ?? assert.fail(), 'data');
  assert.equal(String(code), '141\n');
});
