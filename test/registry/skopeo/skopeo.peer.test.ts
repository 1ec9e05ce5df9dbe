import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'node:test';
import { isOver } from '../../support/property.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { trixieProgram } from '../../support/trixie.ts';

const skip =
  process.geteuid?.() === 0 ? false : 'only root can have namespaces with mounts of its own';

/** The number of questions of each kind in `make test`. */
const subjects = { conf: 50, auth: 40, certs: 25, proxy: 40 };

for (const [subject, runs] of Object.entries(subjects)) {
  test(`skopeo 1.18 and berth do the same: ${subject}`, { skip }, async (t) => {
    // If it has to be fetched, that happens here, since the namespaces have no network.
    trixieProgram('skopeo');
    const worker = join(import.meta.dirname, 'worker.ts');
    const words = [process.execPath, worker, temporaryDirectory(t), subject, `${runs}`];
    const own = ['--mount', '--net', '--propagation', 'private', '--kill-child', '--fork'];
    const child = spawn('unshare', [...own, '--', ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
    t.after(() => child.kill('SIGKILL'));
    const ended = once(child, 'close');
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    const [code] = await ended;
    assert.equal(code, 0, stderr);
    const { succeeded, failed } = JSON.parse(stdout);
    // If all questions failed, or none, the comparison would show little.
    const tenth = (succeeded + failed) / 10;
    assert.ok(isOver() || (succeeded > tenth && failed > tenth), stdout);
  });
}
