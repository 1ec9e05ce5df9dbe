import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { whenChanged } from '../../../src/lifecycle/watch/records-change.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

/** A state directory whose records are watched. */
function watchedRecords(t: TestContext) {
  const state = join(temporaryDirectory(t), 'state');
  const roots = join(state, 'roots');
  let more = Promise.withResolvers<void>();
  const watching = whenChanged(roots, () => {
    more.resolve();
    more = Promise.withResolvers();
  });
  t.after(watching.end);
  return { state, roots, changed: () => more.promise };
}

const write = (roots: string, name: string) => {
  writeFileSync(join(roots, `.${name}`), '{}');
  renameSync(join(roots, `.${name}`), join(roots, name));
};

test('a record that is written, changed or removed is noticed', async (t) => {
  const { roots, changed } = watchedRecords(t);
  for (const change of [
    () => write(roots, 'os.json'),
    () => write(roots, 'os.json'),
    () => rmSync(join(roots, 'os.json')),
  ]) {
    const noticed = changed();
    change();
    await noticed;
  }
});

test('records are noticed in a directory that was removed and made again, any number of times', async (t) => {
  const { state, roots, changed } = watchedRecords(t);
  for (const removed of [roots, state, state, roots]) {
    const gone = changed();
    rmSync(removed, { recursive: true });
    await gone;
    await untilHere(roots, changed);
  }
});

test('a directory that another one takes the place of is watched like the first', async (t) => {
  const { state, roots, changed } = watchedRecords(t);
  mkdirSync(join(`${state}.new`, 'roots'), { recursive: true });
  renameSync(state, `${state}.old`);
  const replaced = changed();
  renameSync(`${state}.new`, state);
  await replaced;
  const noticed = changed();
  write(roots, 'os.json');
  await noticed;
});

/** Makes the directory again and writes records in it, each of which must be noticed. */
async function untilHere(roots: string, changed: () => Promise<void>): Promise<void> {
  const made = changed();
  mkdirSync(roots, { recursive: true });
  await made;
  // The first ones may be noticed by what is still to be told of the directory.
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
    const noticed = changed();
    write(roots, name);
    await noticed;
  }
}
