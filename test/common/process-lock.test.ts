import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { BerthError } from '../../src/common/errors.ts';
import { type LockMode, withLock, withLockIfFree } from '../../src/common/process-lock.ts';
import { keepFromOthers } from '../../src/state/state-directory.ts';
import { temporaryDirectory } from '../support/temporary.ts';

test('shared locks are held together', async (t) => {
  const path = join(temporaryDirectory(t), 'lock');
  const both = Promise.withResolvers<void>();
  let holders = 0;
  const hold = () =>
    withLock(path, 'shared', async () => {
      if (++holders === 2) both.resolve();
      await both.promise;
    });
  await Promise.all([hold(), hold()]);
  assert.equal(holders, 2);
});

for (const [first, second] of [
  ['exclusive', 'exclusive'],
  ['exclusive', 'shared'],
  ['shared', 'exclusive'],
] as const) {
  test(`${second} waits for ${first} in the same process`, async (t) => {
    const path = join(temporaryDirectory(t), 'lock');
    const events: string[] = [];
    const waits = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    const a = withLock(path, first, async () => {
      entered.resolve();
      await waits.promise;
      events.push('first ends');
    });
    await entered.promise;
    const onWait = () => waits.resolve();
    const b = withLock(path, second, async () => void events.push('second begins'), { onWait });
    await Promise.all([a, b]);
    assert.deepEqual(events, ['first ends', 'second begins']);
  });

  test(`${second} waits for ${first} of another process, and gets the lock when it is killed`, async (t) => {
    const path = join(temporaryDirectory(t), 'lock');
    const holder = await otherHolder(t, path, first);
    let got = false;
    const waits = Promise.withResolvers<void>();
    const waiting = withLock(path, second, async () => void (got = true), {
      onWait: () => waits.resolve(),
    });
    await waits.promise;
    assert.equal(got, false);
    holder.kill('SIGKILL');
    await waiting;
    assert.equal(got, true);
  });
}

test('processes share a lock', async (t) => {
  const path = join(temporaryDirectory(t), 'lock');
  await otherHolder(t, path, 'shared');
  const onWait = () => assert.fail('it waited');
  assert.equal(await withLock(path, 'shared', async () => 7, { onWait }), 7);
});

test('the end of one holder does not release the others', async (t) => {
  const path = join(temporaryDirectory(t), 'lock');
  const end = Promise.withResolvers<void>();
  const entered = Promise.withResolvers<void>();
  const holder = withLock(path, 'shared', async () => {
    entered.resolve();
    await end.promise;
  });
  await entered.promise;
  // Closing a file drops all of a process's POSIX locks on it, unless somebody takes care.
  await withLock(path, 'shared', async () => undefined);
  let got = false;
  await withLockIfFree(path, async () => void (got = true));
  assert.equal(got, false);
  end.resolve();
  await holder;
  await withLockIfFree(path, async () => void (got = true));
  assert.equal(got, true);
});

for (const mode of ['shared', 'exclusive'] as const) {
  test(`a lock that is held ${mode} keeps other processes out also when this one opens it again`, async (t) => {
    const path = join(temporaryDirectory(t), 'lock');
    await withLock(path, mode, async () => {
      assert.equal(await isFreeElsewhere(path), false);
      if (mode === 'shared') await withLock(path, mode, async () => undefined);
      else await withLockIfFree(path, async () => assert.fail('it came in'));
      // The system drops a process's locks on a file when it closes any descriptor of it.
      assert.equal(await isFreeElsewhere(path), false);
    });
    assert.equal(await isFreeElsewhere(path), true);
  });
}

test('a caller that wants the lock alone is not kept out by endless sharing callers', async (t) => {
  const path = join(temporaryDirectory(t), 'lock');
  const state = { got: false, turns: 0 };
  // Each holds on until the next has come in, or was made to wait.
  const share = async (came: () => void): Promise<void> => {
    if (state.got || state.turns >= 400) return came();
    let next: Promise<void> | undefined;
    const work = async () => {
      state.turns++;
      came();
      await setImmediate();
      await new Promise<void>((resolve) => {
        next = share(resolve);
      });
    };
    await withLock(path, 'shared', work, { onWait: came });
    await next;
  };
  const come = Promise.withResolvers<void>();
  const sharing = share(come.resolve);
  await come.promise;
  await withLock(path, 'exclusive', async () => void (state.got = true));
  assert.ok(state.turns < 400, `it came in only after ${state.turns} others`);
  await sharing;
});

test('the lock is free again after work that failed', async (t) => {
  const path = join(temporaryDirectory(t), 'lock');
  const failing = withLock(path, 'exclusive', () => Promise.reject(new Error('no')));
  await assert.rejects(failing, /^Error: no$/);
  const onWait = () => assert.fail('it waited');
  assert.equal(await withLock(path, 'exclusive', async () => 1, { onWait }), 1);
});

test('an aborted wait ends, and then blocks nobody', async (t) => {
  const path = join(temporaryDirectory(t), 'lock');
  const end = Promise.withResolvers<void>();
  const holder = withLock(path, 'shared', () => end.promise);
  const abort = new AbortController();
  const waiting = withLock(path, 'exclusive', () => assert.fail('it came in'), {
    signal: abort.signal,
    onWait: () => abort.abort(new Error('enough')),
  });
  await assert.rejects(waiting, /^Error: enough$/);
  assert.equal(await withLock(path, 'shared', async () => 2), 2);
  end.resolve();
  await holder;
});

test('a wait has a limit, and its error names the holder and not an earlier waiter', async (t) => {
  const path = join(temporaryDirectory(t), 'lock');
  const { pid } = await otherHolder(t, path, 'shared');
  const holder = new RegExp(`process ${pid} \\([^)]+, user ${process.geteuid?.()}\\)`);
  const waits = Promise.withResolvers<string>();
  const abort = new AbortController();
  const first = withLock(path, 'exclusive', () => assert.fail('it came in'), {
    onWait: waits.resolve,
    signal: abort.signal,
  });
  assert.match(await waits.promise, holder);
  // The first of the two has the gate.
  const second = withLock(path, 'shared', () => assert.fail('it came in'), { patience: 0 });
  await assert.rejects(second, (error) => {
    assert.ok(error instanceof BerthError);
    assert.deepEqual([error.code, error.kind], ['lock-held', 'unreachable']);
    assert.match(error.message, holder);
    assert.ok(error.message.includes(path));
    return true;
  });
  abort.abort(new Error('enough'));
  await assert.rejects(first, /^Error: enough$/);
});

const python = '/usr/bin/python3';
const noPython = !existsSync(python) && `needs ${python}`;

for (const [kind, command] of [
  ['of a process', 'F_SETLK'],
  ['of an open file', 'F_OFD_SETLK'],
] as const) {
  test(`a foreign lock ${kind} is waited for no longer than it is said, and its holder named`, {
    skip: noPython,
  }, async (t) => {
    const path = join(temporaryDirectory(t), 'lock');
    await withLock(path, 'shared', async () => undefined);
    const { pid } = await foreignHolder(t, path, command);
    const waiting = withLock(path, 'exclusive', () => assert.fail('it came in'), { patience: 0 });
    await assert.rejects(
      waiting,
      new RegExp(`held by process ${pid} \\(python3[^)]*, user \\d+\\)$`),
    );
  });
}

const isRoot = process.geteuid?.() === 0;

test('another user can’t open a lock file, and is named if it had opened one before', {
  skip: isRoot ? noPython : 'needs root',
}, async (t) => {
  const directory = temporaryDirectory(t);
  chmodSync(directory, 0o755);
  const state = join(directory, 'state');
  const path = join(state, 'lock');
  await withLock(path, 'shared', async () => undefined);
  assert.match(await foreignFailure(path), /Permission denied/);
  // The state that the first version left behind.
  chmodSync(path, 0o644);
  chmodSync(state, 0o755);
  const { pid } = await foreignHolder(t, path, 'F_SETLK', 65534);
  keepFromOthers(state);
  assert.match(await foreignFailure(path), /Permission denied/);
  const waiting = withLock(path, 'exclusive', () => assert.fail('it came in'), { patience: 0 });
  await assert.rejects(
    waiting,
    new RegExp(`held by process ${pid} \\(python3[^)]*, user 65534\\)$`),
  );
});

test('the directory is created, the file stays empty, and no other file appears', async (t) => {
  const directory = join(temporaryDirectory(t), 'a', 'b');
  const path = join(directory, 'lock');
  await withLock(path, 'exclusive', async () => {
    assert.deepEqual(readdirSync(directory).sort(), ['lock', 'lock.gate']);
  });
  await withLock(path, 'shared', async () => undefined);
  assert.deepEqual(readdirSync(directory).sort(), ['lock', 'lock.gate']);
  assert.equal(statSync(path).size, 0);
});

test('an unusable lock file is an error that names the file', async (t) => {
  const path = join(temporaryDirectory(t), 'lock');
  mkdirSync(path);
  await assert.rejects(
    withLock(path, 'shared', async () => undefined),
    (error) => error instanceof BerthError && error.message.includes(path) && error.hint !== '',
  );
});

/** A process that holds the lock until it is killed. */
async function otherHolder(t: TestContext, path: string, mode: LockMode) {
  const module = new URL('../../src/common/process-lock.ts', import.meta.url).href;
  const script = `
    import { withLock } from ${JSON.stringify(module)};
    await withLock(${JSON.stringify(path)}, ${JSON.stringify(mode)}, async () => {
      process.stdout.write('held');
      await new Promise((resolve) => setTimeout(resolve, 0x7fffffff));
    });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}

/** Whether another process would get the lock alone. */
async function isFreeElsewhere(path: string): Promise<boolean> {
  const module = new URL('../../src/common/process-lock.ts', import.meta.url).href;
  const script = `
    import { withLockIfFree } from ${JSON.stringify(module)};
    await withLockIfFree(${JSON.stringify(path)}, async () => void process.stdout.write('free'));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  await once(child, 'close');
  return said === 'free';
}

/** Reads nothing and writes nothing: it opens the file for reading, and locks all of it. */
const foreignScript = `
import fcntl, os, struct, sys
path, command, user = sys.argv[1:]
if int(user) != os.geteuid():
    os.setresgid(int(user), int(user), int(user))
    os.setresuid(int(user), int(user), int(user))
file = os.open(path, os.O_RDONLY)
fcntl.fcntl(file, {'F_SETLK': 6, 'F_OFD_SETLK': 37}[command], struct.pack('hhqqi', fcntl.F_RDLCK, 0, 0, 0, 0))
print('held', flush=True)
sys.stdin.read()`;

function foreign(path: string, command: string, user: number) {
  const words = ['-c', foreignScript, path, command, String(user)];
  return spawn(python, words, { stdio: 'pipe', cwd: '/' });
}

/** A program of another user that holds a read lock until the test ends. */
async function foreignHolder(
  t: TestContext,
  path: string,
  command: string,
  user = process.geteuid?.() ?? 0,
) {
  const child = foreign(path, command, user);
  t.after(() => child.kill('SIGKILL'));
  let words = '';
  child.stderr.on('data', (text: Buffer) => (words += text.toString()));
  await Promise.race([once(child.stdout, 'data'), once(child, 'close')]);
  assert.equal(child.exitCode, null, words);
  return child;
}

/** The error of another user's attempt to take the lock. */
async function foreignFailure(path: string): Promise<string> {
  const child = foreign(path, 'F_SETLK', 65534);
  let words = '';
  child.stderr.on('data', (text: Buffer) => (words += text.toString()));
  child.stdin.end();
  await once(child, 'close');
  return words;
}
