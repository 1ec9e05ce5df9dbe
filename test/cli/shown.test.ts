import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'node:test';
import { container, startMachine, writeRoot } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';

/** Colours, moves the cursor, forges a line, steers a terminal by C1, turns the direction of text. */
const hostile = 'x\x1b[31m\x1b[2J\r\n::error::y\u009b5m\u202e\u2028z';

const steering = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

const commands = readdirSync(resolve(import.meta.dirname, '../../src/cli/commands'));

test('nothing that is said steers a terminal, whatever berth is asked and finds', async (t) => {
  const machine = await startMachine(t);
  machine.registry.push('web:1', buildImage({ layers: [{ bytes: 1000, seed: 1 }] }));
  const name = 'registry.example.com/web:1';
  const at = (...path: string[]) => join(machine.directory, ...path);
  const root = writeRoot(at(`root${hostile}`), {
    ...container('web', name),
    ...container('app', hostile.replaceAll('\n', '')),
    [`usr/share/containers/systemd/u${hostile}.container`]: `[Container]\nImage=${name}\n`,
    [`usr/share/containers/systemd/v.container`]: `[Container]\n${hostile}\n`,
  });
  const nothing = at(`empty${hostile}`);
  mkdirSync(nothing);
  const toml = at(`berth${hostile}.toml`);
  writeFileSync(toml, `"${JSON.stringify(hostile).slice(1, -1)}" = 1\n`);
  const file = at(`bundle${hostile}`);
  const state = at(`state${hostile}`);
  const store = ['--engine', 'store'];
  const here = [...store, '--state-dir', state];
  const bound = ['--bind', 'all', root];

  const lines: string[][] = [
    [hostile],
    [`--${hostile}`],
    ['images', `--${hostile}`],
    ['images', '--bind', hostile],
    ['images', '--activation', hostile],
    ['images', nothing],
    ['images', '--debug', join(root, hostile)],
    ['plan', ...here, nothing],
    ['plan', ...here, ...bound],
    ['stage', ...here, ...bound],
    ['stage', ...here, '--id', hostile, ...bound],
    ['stage', ...here, '--into', nothing, ...bound],
    ['pull', ...here, hostile],
    ['pull', ...here, '--pin', hostile, name],
    ['pin', ...here, hostile],
    ['unpin', ...here, hostile],
    ['why', ...here, hostile, root],
    ['why', ...here, name, root],
    ['report', ...here],
    ['report', ...bound],
    ['report', ...here, '--output', join(file, hostile)],
    ['lock', '--check', ...bound],
    ['lock', ...bound],
    ['bundle', ...bound, '--output', join(file, hostile)],
    ['bundle', ...bound, '--output', file],
    ['load', ...here, toml],
    ['load', ...here, hostile],
    ['activate', ...here, '--pull-needed', hostile],
    ['apply', ...here, root],
    ['ship', '--bind', 'all', nothing],
    ['release', ...here, hostile],
    ['verify', '--engine', hostile],
    ['lint', '--offline', '--format', 'github', ...bound],
    ['lint', '--offline', '--format', 'sarif', ...bound],
    ['lint', '--max-size', hostile, root],
    ...['status', 'pins', 'reconcile', 'gate', 'verify', 'activate', 'prune'].flatMap((command) => [
      [command, ...here],
      [command, ...store, '--state-dir', toml, '--debug', '--format', 'json'],
    ]),
    ['completion', hostile],
    ['complete', '--', hostile, ''],
    ['complete', '--', 'why', '--state-dir', state, ''],
    ['complete', '--', 'verify', `--state-dir=${state}`, hostile],
    ['images', '--config', toml, root],
    ['lint', '--config', toml, root],
    ['gate', '--config', toml],
    ['watch', '--config', toml],
    ['watch', '--state-dir', toml],
  ];
  const asked = new Set(lines.map(([command]) => `${command}.ts`));
  assert.deepEqual(
    commands.filter((file) => !asked.has(file)),
    [],
  );

  const next = lines.values();
  const worker = async () => {
    for (const words of next) {
      const { stdout, stderr } = await machine.berth(...words);
      // Shells are told a word and what it is about, with a tab between them.
      const said = words[0] === 'complete' ? stdout.replaceAll(/(?<=^\S+)\t/gm, ' ') : stdout;
      const [found] = steering.exec(said + stderr) ?? [];
      assert.equal(found, undefined, JSON.stringify([words, stdout, stderr]));
      assert.doesNotMatch(
        stderr,
        // Node ends the print of an uncaught exception with its version.
        /a fault of berth itself|^Node\.js v\d/m,
        String(words),
      );
    }
  };
  await Promise.all([worker(), worker(), worker()]);
  assert.match(readFileSync(file).toString('latin1'), /^\x28\xb5\x2f\xfd/, 'a bundle was written');
});
