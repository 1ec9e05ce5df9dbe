import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';

const skip = process.geteuid?.() === 0 ? false : 'only root can have networks of its own';

test('a host 400 ms away is reached, whatever other addresses its name has', {
  skip,
}, async (t) => {
  const worker = join(import.meta.dirname, 'worker.ts');
  const own = ['--mount', '--net', '--propagation', 'private', '--kill-child', '--fork'];
  const { stdout } = await promisify(execFile)('unshare', [...own, process.execPath, worker]);
  const { nobody, ...others } = JSON.parse(stdout);
  t.diagnostic(stdout);
  for (const [what, { found, took }] of Object.entries<{ found: string; took: number }>(others)) {
    assert.equal(found, 'the image', what);
    // The link is as late as it should be, or the test shows nothing: one round trip connects, one asks.
    assert.ok(took >= 800, `${what}: ${took} ms`);
  }
  assert.match(nobody.found, /fd09::2: no network that reaches it \(ENETUNREACH\)/);
  assert.match(nobody.found, /10\.9\.0\.9: nothing for 3 seconds/);
});
