import assert from 'node:assert/strict';
import test from 'node:test';
import { Silence } from '../../../../src/engine/http/silence.ts';

const MIB = 1024 * 1024;

/** Takes an archive of so many chunks of a MiB; each takes a second. Says at which chunk it was too late. */
async function taken(t: test.TestContext, chunks: number, milliseconds: number) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const silence = new Silence(milliseconds);
  const chunk = Buffer.alloc(MIB);
  async function* content() {
    for (let at = 0; at < chunks; at++) yield chunk;
  }
  let count = 0;
  for await (const _ of silence.brokenBy(content())) {
    t.mock.timers.tick(1000);
    if (silence.signal.aborted) break;
    count++;
  }
  silence.end();
  return count;
}

test('a podman that takes a little now and then is given up', async (t) => {
  assert.equal(await taken(t, 1000, 200_000), 199);
});

test('a podman that takes a portion in time has the time anew', async (t) => {
  assert.equal(await taken(t, 1000, 257_000), 1000);
});
