import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { EngineError } from '../../src/engine/engine.ts';
import { type LockMode, withLock, withLockIfFree } from '../../src/engine/file-lock.ts';
import { temporaryDirectory } from '../support/temporary.ts';

test('those that share a lock hold it together', async (t) => {
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

test('one that ends lets none of the others go', async (t) => {
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

test('who waits alone is not kept out by those that share and never all let go', async (t) => {
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

test('waiting ends with its signal, and bars nobody then', async (t) => {
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

test('the directory is made, the file stays empty, nothing else appears', async (t) => {
  const directory = join(temporaryDirectory(t), 'a', 'b');
  const path = join(directory, 'lock');
  await withLock(path, 'exclusive', async () => {
    assert.deepEqual(readdirSync(directory).sort(), ['lock', 'lock.gate']);
  });
  await withLock(path, 'shared', async () => undefined);
  assert.deepEqual(readdirSync(directory).sort(), ['lock', 'lock.gate']);
  assert.equal(statSync(path).size, 0);
});

test('a lock file that can not be one is an error that names it', async (t) => {
  const path = join(temporaryDirectory(t), 'lock');
  mkdirSync(path);
  await assert.rejects(
    withLock(path, 'shared', async () => undefined),
    (error) => error instanceof EngineError && error.message.includes(path) && error.hint !== '',
  );
});

/** A process that holds the lock until it is killed. */
async function otherHolder(t: TestContext, path: string, mode: LockMode) {
  const module = new URL('../../src/engine/file-lock.ts', import.meta.url).href;
  const script = `
    import { withLock } from ${JSON.stringify(module)};
    await withLock(${JSON.stringify(path)}, ${JSON.stringify(mode)}, async () => {
      process.stdout.write('held');
      await new Promise((resolve) => setTimeout(resolve, 60_000));
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
  const module = new URL('../../src/engine/file-lock.ts', import.meta.url).href;
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
