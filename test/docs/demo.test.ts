import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import test from 'node:test';
import { maskTranscript } from '../support/transcript.ts';

const home = resolve(import.meta.dirname, '../..');

test('the transcript in the README is what the demo prints', async () => {
  const child = spawn(process.execPath, ['scripts/demo.ts', 'store'], {
    cwd: home,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  // Both streams into one text, in the order in which they come.
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (printed += text));
  const [code] = (await once(child, 'close')) as [number | null];
  assert.equal(code, 0, printed);
  const readme = readFileSync(resolve(home, 'README.md'), 'utf8');
  const shown = /<!-- demo -->\n```console\n([^]*?)```/.exec(readme)?.[1];
  assert.equal(shown, maskTranscript(printed));
});
