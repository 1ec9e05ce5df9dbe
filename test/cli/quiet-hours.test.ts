import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { container, startMachine, writeRoot } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';

const host = 'registry.example.com';

/** Quiet hours that began an hour ago and end in two hours, so that none of them begins or ends during the test. */
function quietNow(): { readonly text: string; readonly end: string } {
  const clock = (hours: number) => {
    const date = new Date(Date.now() + hours * 3_600_000);
    return [date.getHours(), date.getMinutes()]
      .map((number) => String(number).padStart(2, '0'))
      .join(':');
  };
  const end = clock(2);
  return { text: `${clock(-1)}-${end}`, end };
}

test('in quiet hours reconcile says in one line how many images wait, and nothing has failed', async (t) => {
  const machine = await startMachine(t);
  const units = [1, 2, 3].map((seed) => {
    machine.registry.push(`app:${seed}`, buildImage({ layers: [{ bytes: 1000, seed }] }));
    return container(`app${seed}`, `${host}/app:${seed}`);
  });
  const files = { 'usr/lib/berth/berth.toml': '[bind]\nmode = "all"\n' };
  const root = writeRoot(join(machine.directory, 'os'), Object.assign({}, files, ...units));
  const config = join(machine.directory, 'host.toml');
  const { text, end } = quietNow();
  const active = join(machine.directory, 'active');
  writeFileSync(active, 'os');
  const directories = (list: string) =>
    `[directories]\nroots = [${list}]\nactive = { file = "${active}" }\n`;
  const own = `{ path = "${root}", id = "os" }`;
  const roots = directories(own);
  writeFileSync(config, `quiet-hours = "${text}"\n${roots}`);
  const reconcile = (...words: string[]) =>
    machine.berth('reconcile', '--engine', 'store', '--config', config, ...words);

  const { code, stdout, stderr } = await reconcile();
  assert.equal(code, 6, stderr);
  assert.match(stdout, /^os +booted +3 +waits$/m);
  assert.match(stderr, new RegExp(`^waits quiet hours until ${end}: 3 images wait$`, 'm'));
  assert.equal(stderr.match(/→/g)?.length, 1);
  assert.doesNotMatch(stdout + stderr, /fail/);

  const json = await reconcile('--format', 'json', '--progress', 'json');
  assert.equal(json.code, 6);
  const [{ failures }] = JSON.parse(json.stdout).roots;
  assert.deepEqual(
    new Set(failures.map((one: { code: string }) => one.code)),
    new Set(['quiet-hours']),
  );
  const events = json.stderr.split('\n').filter((line) => line.startsWith('{'));
  assert.equal(events.filter((line) => line.includes('"fetch-deferred"')).length, 3);
  assert.ok(!json.stderr.includes('fetch-failed'));

  await t.test('another root that is not ready is told by the exit code', async () => {
    const missing = writeRoot(join(machine.directory, 'other'), {
      ...files,
      ...container('gone', `${host}/gone:1`),
    });
    const both = directories(`${own}, { path = "${missing}", id = "other" }`);
    writeFileSync(config, `quiet-hours = "${text}"\n${both}`);
    const found = await reconcile();
    assert.equal(found.code, 1, found.stderr);
    assert.match(found.stdout, /^other +other +0 +failed$/m);
    assert.match(found.stderr, /: 3 images wait$/m);
  });

  await t.test('afterwards they come', async () => {
    writeFileSync(config, roots);
    const after = await reconcile();
    assert.equal(after.code, 0, after.stderr);
  });
});
