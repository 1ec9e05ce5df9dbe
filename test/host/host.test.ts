import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { HostError } from '../../src/host/errors.ts';
import { openHost } from '../../src/host/host.ts';
import type { HostOptions } from '../../src/host/options.ts';
import { plannerOf } from '../../src/host/planner.ts';
import { withRoot } from '../../src/host/root.ts';
import type { ProgressEvent } from '../../src/lifecycle/events.ts';
import { readSituation } from '../../src/lifecycle/situation.ts';
import { container, writeRoot } from '../support/berth.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** A host in a directory of the test's own, opened as a service or a library would open it. */
function hostIn(t: TestContext, directory: string, options: HostOptions = {}) {
  const events: ProgressEvent[] = [];
  const host = openHost(
    { engine: 'store', stateDirectory: join(directory, 'state'), ...options },
    {
      report: (event) => events.push(event),
      signal: new AbortController().signal,
      environment: { HOME: directory, PATH: '' },
    },
  );
  t.after(() => host.close());
  return { host, events };
}

test('a root is planned without a command line', async (t) => {
  const directory = temporaryDirectory(t);
  const root = writeRoot(join(directory, 'os'), container('web', 'localhost/web:1'));
  const { host } = hostIn(t, directory);
  const plan = await withRoot(host, root, async (open, called) => {
    const context = await host.context();
    const planner = await plannerOf(host, context, open, { called, bind: 'all', id: 'os' });
    return planner.plan(await readSituation(context));
  });
  assert.equal(plan.root.id, 'os');
  assert.deepEqual(
    plan.failures.map(({ name }) => name),
    ['localhost/web:1'],
  );
});

test('an engine is opened once, and nothing before it is asked for', async (t) => {
  const directory = temporaryDirectory(t);
  const { host } = hostIn(t, directory);
  const [first, second] = await Promise.all([host.context(), host.context()]);
  assert.equal(first, second);
  const unreadable = hostIn(t, directory, { config: join(directory, 'absent.toml') });
  assert.equal(
    await withRoot(unreadable.host, directory, async ({ location }) => location),
    directory,
  );
  await assert.rejects(unreadable.host.context(), HostError);
});

test('deployments stay as they were read until they are asked for anew', async (t) => {
  const directory = temporaryDirectory(t);
  const active = join(directory, 'active');
  const config = join(directory, 'berth.toml');
  const [a, b] = ['a', 'b'].map((id) =>
    writeRoot(join(directory, id), { 'usr/lib/os-release': '' }),
  );
  writeFileSync(
    config,
    `[directories]\nroots = [{ path = "${a}", id = "a" }, { path = "${b}", id = "b" }]\nactive = { file = "${active}" }\n`,
  );
  writeFileSync(active, 'a');
  const { host } = hostIn(t, directory, { config });
  const booted = async () => (await host.deployments.booted())?.id;
  assert.equal(await booted(), 'a');
  writeFileSync(active, 'b');
  assert.equal(await booted(), 'a');
  const now = (await host.deployments.anew()).deployments.find(({ role }) => role === 'booted');
  assert.deepEqual([now?.id, await booted()], ['b', 'b']);
});
