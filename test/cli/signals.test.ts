import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { withLock } from '../../src/common/process-lock.ts';
import { container, type Machine, main, startMachine, writeRoot } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const host = 'registry.example.com';

// A command that ignored the signal would run for minutes.
function start(t: TestContext, { environment }: Machine, ...words: string[]): ChildProcess {
  const child = spawn(process.execPath, [main, ...words], { env: environment, stdio: 'pipe' });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

/** Sends a signal to a process, and returns the signal by which it ended. */
async function endedBy(child: ChildProcess, signal: NodeJS.Signals): Promise<unknown> {
  const closed = once(child, 'close');
  child.kill(signal);
  const [, by]: unknown[] = await closed;
  return by;
}

/** Resolves when the process has written this. */
async function said(stream: NodeJS.ReadableStream | null, words: RegExp): Promise<void> {
  let text = '';
  for await (const piece of stream ?? []) {
    text += String(piece);
    if (words.test(text)) return;
  }
  assert.fail(`expected ${words}, found ${text}`);
}

function webRoot(machine: Machine): string {
  return writeRoot(join(machine.directory, 'os'), container('web', `${host}/web:1`));
}

const stage = ['stage', '--engine', 'store', '--bind', 'all'];

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} ends a command that waits for a silent registry`, async (t) => {
    const machine = await startMachine(t);
    const child = start(t, machine, ...stage, '--id', 'os', webRoot(machine));
    const asked = Promise.withResolvers<void>();
    machine.registry.fault = () => {
      asked.resolve();
      return { kind: 'stall', after: 0 };
    };
    await asked.promise;
    assert.equal(await endedBy(child, signal), signal);
  });
}

test('SIGTERM ends a command that waits for a lock', async (t) => {
  const machine = await startMachine(t);
  await withLock(join(machine.directory, 'state/lock'), 'shared', async () => {
    const child = start(t, machine, 'release', '--engine', 'store', 'os');
    await said(
      child.stderr,
      new RegExp(`waiting for process ${process.pid} \\(.*/state/lock$`, 'm'),
    );
    assert.equal(await endedBy(child, 'SIGTERM'), 'SIGTERM');
  });
});

test('SIGTERM ends a command in the middle of what it does in one piece', async (t) => {
  const machine = await startMachine(t);
  const config = join(machine.directory, 'berth.toml');
  execFileSync('mkfifo', [config]);
  const child = start(t, machine, 'images', '--config', config, webRoot(machine));
  // The FIFO opens for writing once berth, which then waits for its end, has opened it for reading.
  await using writer = await open(config, 'w');
  await writer.write('compose = []\n');
  assert.equal(await endedBy(child, 'SIGTERM'), 'SIGTERM');
});

test('SIGTERM ends the parsing of a root that takes long', async (t) => {
  const machine = await startMachine(t);
  const root = join(machine.directory, 'os');
  const lists = join(root, 'usr/lib/berth/images.d');
  mkdirSync(lists, { recursive: true });
  for (let list = 0; list < 12; list++) {
    const names = Array.from({ length: 40_000 }, (_, i) => `${host}/a${list}/${i}:1\n`);
    writeFileSync(join(lists, `${list}.list`), names.join(''));
  }
  const child = start(t, machine, 'plan', '--engine', 'store', root);
  child.stderr?.resume();
  // Long after the command has begun, and long before it ends.
  while (child.exitCode === null && ticksOf(child) < 120) await setImmediate();
  assert.equal(await endedBy(child, 'SIGTERM'), 'SIGTERM');
});

/** The processor time that the process has used, in hundredths of a second: proc_pid_stat(5), utime. */
function ticksOf({ pid }: ChildProcess): number {
  const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
  return Number(fields.split(' ')[11]);
}

for (const command of ['bundle', 'ship'] as const) {
  test(`SIGTERM leaves nothing of an unfinished ${command}`, async (t) => {
    const machine = await startMachine(t);
    machine.registry.push('web:1', buildImage({ layers: [{ bytes: 3_000_000, seed: 1 }] }));
    const root = webRoot(machine);
    const files = () => readdirSync(machine.directory, { recursive: true, encoding: 'utf8' });
    const before = files();
    const bundle = join(machine.directory, 'web.tar.zst');
    const words = command === 'bundle' ? ['--output', bundle] : [];
    machine.registry.fault = ({ path }) =>
      path.includes('/blobs/') ? { kind: 'stall', after: 2_000_000 } : undefined;
    const child = start(t, machine, command, '--bind', 'all', root, ...words);
    const isBegun = () => files().some((name) => /\.web\.tar\.zst\.|\.new\//.test(name));
    while (!isBegun()) await setImmediate();
    assert.equal(await endedBy(child, 'SIGTERM'), 'SIGTERM');
    const made = files().filter((name) => !before.includes(name));
    assert.deepEqual(
      made.filter((name) => !/^os\/usr\/lib(\/berth)?$/.test(name)),
      [],
    );
  });
}

test('clean-up that hangs is not waited for', async (t) => {
  const module = new URL('../../src/cli/signals.ts', import.meta.url).href;
  const script = `
    import { inOrder } from ${JSON.stringify(module)};
    await inOrder(() => new Promise((resolve) => {
      console.log('at work');
      setTimeout(resolve, 600_000);
    }));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'pipe' });
  t.after(() => child.kill('SIGKILL'));
  await said(child.stdout, /at work/);
  assert.equal(await endedBy(child, 'SIGINT'), 'SIGINT');
});

for (const command of ['stage', 'bundle']) {
  test(`SIGTERM ends a ${command} whose progress nobody reads`, async (t) => {
    const directory = temporaryDirectory(t);
    const fifo = join(directory, 'progress');
    execFileSync('mkfifo', [fifo]);
    const pipe = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
    t.after(() => closeSync(pipe));
    assert.throws(() => {
      for (;;) writeSync(pipe, Buffer.alloc(4096));
    }, /EAGAIN/);
    const module = (path: string) => new URL(`../../src/cli/${path}`, import.meta.url).href;
    const script = `
    import { openSync } from 'node:fs';
    import { openProgress } from ${JSON.stringify(module('render/progress.ts'))};
    import { inOrder } from ${JSON.stringify(module('signals.ts'))};
    const progress = openProgress('plain', openSync(${JSON.stringify(fifo)}, 'r+'));
    const image = { id: 'sha256:a', name: 'web', bytes: 100 };
    progress.report({ event: 'fetch-planned', ...image });
    console.log('at work');
    const report = async () => progress.report({ event: 'fetch-started', ...image });
    await ${command === 'bundle' ? 'inOrder(report)' : 'report()'};`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'pipe' });
    t.after(() => child.kill('SIGKILL'));
    await said(child.stdout, /at work/);
    assert.equal(await endedByRepeated('SIGTERM', child), 'SIGTERM');
  });
}

/** The handlers may be set only after the first signal, and those that hear one may never run. */
async function endedByRepeated(signal: NodeJS.Signals, child: ChildProcess): Promise<unknown> {
  const closed = once(child, 'exit');
  const again = setInterval(() => child.kill(signal), 200);
  const [, by]: unknown[] = await closed;
  clearInterval(again);
  return by;
}

test('SIGTERM ends a stage whose progress goes to a socket that nobody reads', async (t) => {
  const module = (path: string) => new URL(`../../src/cli/${path}`, import.meta.url).href;
  const script = `
    import { openProgress } from ${JSON.stringify(module('render/progress.ts'))};
    const progress = openProgress('plain', 3);
    const image = { id: 'sha256:a', name: 'web', bytes: 100 };
    progress.report({ event: 'fetch-started', ...image });
    console.log('at work');
    for (;;) progress.report({ event: 'fetched', ...image });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    // Node makes a pair of sockets for its end of a pipe.
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  await said(child.stdout, /at work/);
  assert.equal(await endedByRepeated('SIGTERM', child), 'SIGTERM');
});

/** Starts berth as on a terminal. */
function onTerminal(t: TestContext, { environment }: Machine, ...words: string[]): ChildProcess {
  const command = [process.execPath, main, ...words].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    env: environment,
    stdio: 'pipe',
  });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

test('Ctrl-C while images are fetched leaves a clean screen, and the next run goes on', async (t) => {
  const machine = await startMachine(t);
  for (const [index, name] of ['web', 'db'].entries()) {
    machine.registry.push(`${name}:1`, buildImage({ layers: [{ bytes: 300_000, seed: index }] }));
  }
  const files = { ...container('web', `${host}/web:1`), ...container('db', `${host}/db:1`) };
  const root = writeRoot(join(machine.directory, 'os'), files);
  machine.registry.fault = ({ path, status }) =>
    path.includes('/blobs/') && status === 0 ? { kind: 'stall', after: 100_000 } : undefined;
  const child = onTerminal(t, machine, ...stage, '--id', 'os', root);
  let output = '';
  let isAsked = false;
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (isAsked || !output.includes('downloading')) return;
    isAsked = true;
    child.stdin?.write('\x03');
  });
  const [ended]: unknown[] = await once(child, 'close');
  assert.equal(ended, 130, output);
  // What was drawn is erased, and one line stays.
  const left = output.slice(output.lastIndexOf('\x1b[0J') + 4);
  assert.match(left, /^interrupted: 0 of 2 images, .*; what has come stays\r\n/);
  assert.ok(!left.includes('downloading'), left);
  machine.registry.fault = () => undefined;
  const again = await machine.berth(...stage, '--id', 'os', root);
  assert.equal(again.code, 0, again.stderr);
  assert.match(again.stderr, /^fetching 2 images, /);
});

for (const [key, answer, code] of [
  ['Ctrl-C', '\x03', 130],
  ['Ctrl-D', '\x04', 0],
  ['n', 'n\n', 0],
  ['y', 'y\n', 0],
] as const) {
  test(`${key} answers prune’s question`, async (t) => {
    const machine = await startMachine(t);
    machine.registry.push('web:1', buildImage({ layers: [{ bytes: 1000, seed: 1 }] }));
    const pulled = await machine.berth('pull', '--engine', 'store', `${host}/web:1`);
    assert.equal(pulled.code, 0, pulled.stderr);
    const child = onTerminal(t, machine, 'prune', '--engine', 'store');
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (text.includes('[y/N] ')) child.stdin?.write(answer);
    });
    const [ended]: unknown[] = await once(child, 'close');
    assert.equal(ended, code, output);
    assert.doesNotMatch(output, /a fault of berth itself/);
    const { stdout } = await machine.berth('prune', '--engine', 'store', '--dry-run');
    assert.equal(stdout === '', key === 'y');
  });
}
