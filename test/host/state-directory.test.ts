import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { openHost } from '../../src/host/host.ts';
import { temporaryDirectory } from '../support/temporary.ts';

test('the state directory is that of the option, else of the environment, where an empty value counts as none', async (t) => {
  const home = temporaryDirectory(t);
  const directoryOf = async (stateDirectory: string | undefined, variable: string | undefined) => {
    const environment = { HOME: home, BERTH_STATE_DIR: variable };
    const { signal } = new AbortController();
    const caller = { report: () => undefined, signal, environment };
    const host = openHost({ user: true, config: '/dev/null', stateDirectory }, caller);
    try {
      return await host.stateDirectory();
    } finally {
      await host.close();
    }
  };
  const usual = join(home, '.local/state/berth');
  assert.equal(await directoryOf(undefined, undefined), usual);
  assert.equal(await directoryOf(undefined, ''), usual);
  assert.equal(await directoryOf(undefined, join(home, 'a')), join(home, 'a'));
  assert.equal(await directoryOf(join(home, 'b'), join(home, 'a')), join(home, 'b'));
});
