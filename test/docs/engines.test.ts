import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'node:test';
import { container, startMachine, writeRoot } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';

const page = readFileSync(resolve(import.meta.dirname, '../../docs/commands.md'), 'utf8');

/** The commands of the section on engines, each with what it prints. */
function shownCommands(): readonly { words: readonly string[]; output: string }[] {
  const [, section = ''] = /^## Engines$(.*?)^## /ms.exec(page) ?? [];
  const [, example = ''] = /```console\n([^`]*(?:`[^`]+`[^`]*)*?)```\n/.exec(section) ?? [];
  return example.split(/^\$ berth /m).flatMap((text) => {
    const [line = '', ...output] = text.split('\n');
    return line === '' ? [] : [{ words: line.split(' '), output: output.join('\n') }];
  });
}

// Without root a run is for the caller's own podman alone.
const skip = process.geteuid?.() !== 0;

test('docs/commands.md: a root on several engines is judged as the page shows', {
  skip,
}, async (t) => {
  const machine = await startMachine(t);
  machine.environment['PATH'] = '/nonexistent';
  for (const [seed, name] of ['web:1', 'proxy:1'].entries()) {
    machine.registry.push(name, buildImage({ layers: [{ bytes: 1000, seed }] }));
  }
  const image = (name: string) => `registry.example.com/${name}`;
  const root = writeRoot(join(machine.directory, 'next'), {
    'etc/passwd': 'root:x:0:0::/root:/bin/sh\neve:x:54321:54321::/home/eve:/bin/sh\n',
    ...container('web', image('web:1'), '[Service]\nUser=eve\n'),
    'usr/lib/systemd/system/proxy.service': `[Service]\nExecStart=docker run ${image('proxy:1')}\n`,
  });
  const staged = await machine.berth('stage', '--bind', 'all', '--id', 'next', root);
  assert.equal(staged.code, 0, staged.stderr);
  const commands = shownCommands();
  assert.equal(commands.length, 2);
  for (const { words, output } of commands) {
    const { stdout, stderr } = await machine.berth(...words);
    assert.equal(stdout + stderr, output, words.join(' '));
  }
});
