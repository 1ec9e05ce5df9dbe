import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import test from 'node:test';
import { maskTranscript } from '../support/transcript.ts';

const home = resolve(import.meta.dirname, '../..');

test('docs/demo.md and the README show what the demo prints', async () => {
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
  const transcript = maskTranscript(printed);
  assert.equal(shownIn('docs/demo.md', 'demo'), transcript);
  const excerpt = shownIn('README.md', 'excerpt');
  assert.ok(
    transcript.includes(excerpt),
    `README.md shows what the demo does not print:\n${excerpt}`,
  );
});

function shownIn(page: string, mark: string): string {
  const text = readFileSync(resolve(home, page), 'utf8');
  const shown = new RegExp(`<!-- ${mark} -->\n\`\`\`console\n([^]*?)\`\`\``).exec(text)?.[1];
  assert.ok(shown !== undefined, page);
  return shown;
}
