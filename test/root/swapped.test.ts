import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { openRoot } from '../../src/root/open-root.ts';
import { rounds } from '../support/property.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const leastSwaps = rounds(200_000);
/** Should the naive way never leak in these, the test proves nothing and fails. */
const mostSwaps = 50 * leastSwaps;
/** Then the naive way has shown what it does, and its time goes to the walk. */
const enoughLeaks = 100;

/** A directory by an absolute link, one by a relative link, and a file: all swapped in turn. */
const paths = ['/absolute/unit', '/relative/unit', '/file'] as const;

const swapper = `
  const { renameSync, writeSync } = require('node:fs');
  const names = ['absolute', 'relative', 'file'];
  let stop = false;
  process.stdin.on('data', () => { stop = true; });
  let swaps = 0;
  (function batch() {
    if (stop) return process.exit(0);
    for (let round = 0; round < 1000; round++) {
      for (const name of names) {
        renameSync(name, name + '.away');
        renameSync(name + '.link', name);
      }
      for (const name of names) {
        renameSync(name, name + '.link');
        renameSync(name + '.away', name);
      }
      swaps += 6;
    }
    writeSync(1, swaps + '\\n');
    setImmediate(batch);
  })();`;

test('nothing outside is read while a process replaces files by links that lead outside', async (t) => {
  const base = realpathSync(temporaryDirectory(t));
  const directory = join(base, 'root');
  makeTree(base, directory);

  const child = spawn(process.execPath, ['-e', swapper], { cwd: directory });
  t.after(() => child.kill());
  const exited = once(child, 'exit');
  const done = { swaps: 0, leaksOfNaive: 0, inside: 0, nothing: 0 };
  createInterface(child.stdout).on('line', (line) => {
    done.swaps = Number(line);
  });

  while (done.swaps < leastSwaps || done.leaksOfNaive === 0) {
    assert.equal(child.exitCode, null, 'the swaps go on');
    assert.ok(done.swaps < mostSwaps, 'the naive way leaks, or the swaps come at wrong moments');
    for (let read = 0; read < 200; read++) {
      for (const content of readByWalk(directory)) {
        assert.ok(content === 'inside' || content === undefined, 'read from outside of the root');
        if (content === undefined) done.nothing++;
        else done.inside++;
      }
      if (done.leaksOfNaive >= enoughLeaks) continue;
      for (const path of paths) if (readNaively(directory, path) === 'outside') done.leaksOfNaive++;
    }
    await setImmediate();
  }
  child.stdin.write('stop');
  assert.deepEqual(await exited, [0, null]);
  assert.ok(done.inside > 0 && done.nothing > 0, 'the walk met both what is inside and the links');
  t.diagnostic(JSON.stringify(done));
});

function makeTree(base: string, directory: string): void {
  mkdirSync(join(base, 'outside'), { recursive: true });
  writeFileSync(join(base, 'outside/unit'), 'outside');
  mkdirSync(directory);
  for (const name of ['absolute', 'relative']) {
    mkdirSync(join(directory, name));
    writeFileSync(join(directory, name, 'unit'), 'inside');
  }
  writeFileSync(join(directory, 'file'), 'inside');
  symlinkSync(join(base, 'outside'), join(directory, 'absolute.link'));
  symlinkSync('../outside', join(directory, 'relative.link'));
  symlinkSync('../outside/unit', join(directory, 'file.link'));
}

/** A root of its own each time: one that holds the directory open already can't be misled. */
function readByWalk(directory: string): (string | undefined)[] {
  const root = openRoot(directory);
  try {
    const unlisted = paths.map((path) => root.readFile(path)?.content.toString());
    // The second round goes by what the listings say.
    for (const path of ['/', '/absolute', '/relative']) root.list(path);
    return unlisted.concat(paths.map((path) => root.readFile(path)?.content.toString()));
  } finally {
    root.close();
  }
}

function readNaively(directory: string, path: string): string | undefined {
  try {
    const real = realpathSync(join(directory, path));
    return real.startsWith(`${directory}/`) ? readFileSync(real, 'utf8') : undefined;
  } catch {
    // Between two renames the name is missing.
    return undefined;
  }
}
