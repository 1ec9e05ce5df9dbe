import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'node:test';
import { programOf } from '../../src/cli/program.ts';
import { accepts, berthLines } from './command-lines.ts';

const examples = resolve(import.meta.dirname, '../../examples');
const read = (path: string) => readFileSync(join(examples, path), 'utf8');

test('berth takes the commands of the examples for CI', async () => {
  const files = ['github-workflow.yml', 'gitlab-ci.yml'];
  // A list's mark, or a key, goes before the command.
  const lines = files.flatMap((file) =>
    berthLines(read(`ci/${file}`).replaceAll(/^\s*(?:- |run: )/gm, '')),
  );
  assert.equal(lines.length, 4);
  assert.equal(lines.filter((line) => line === 'lock --check rootfs').length, 2);
  for (const line of lines) await accepts(line);
});

test('the Containerfile locks and lints, and berth takes its commands', async () => {
  const text = read('build/Containerfile');
  const lines = berthLines(text);
  assert.deepEqual(
    lines.map((line) => line.split(' ')[0]),
    ['lock', 'lint'],
  );
  for (const line of lines) await accepts(line);
  assert.match(text, /COPY --from=locked \/lock\.json \/usr\/lib\/berth\/lock\.json$/m);
});

test('berth takes the commands of the document on the first boot', async () => {
  const text = read('../docs/first-boot.md');
  const blocks = [...text.matchAll(/^```(?:dockerfile|sh)\n(.*?)^```$/gms)].map((m) => m[1] ?? '');
  const lines = blocks.flatMap(berthLines);
  assert.deepEqual(
    lines.map((line) => line.split(' ')[0]),
    ['lock', 'ship', 'stage'],
  );
  for (const line of lines) await accepts(line);
});

test('a line that berth would not take is seen', async () => {
  await assert.rejects(accepts('lint --format xml rootfs'));
  await assert.rejects(accepts('lock --chek rootfs'));
  await assert.rejects(accepts('nonsense rootfs'));
});

test('the commands in the examples’ README are berth’s', async () => {
  const lines = berthLines(read('README.md'));
  assert.equal(lines.length, 2);
  for (const line of lines) await accepts(line);
});

test('berth takes the examples of its own help', async () => {
  const names = (await programOf([])).commands.map((command) => command.name());
  for (const name of names) {
    const command = (await programOf([name])).commands.find((one) => one.name() === name);
    let help = '';
    command?.configureOutput({ writeOut: (part) => (help += part) }).outputHelp();
    const lines = berthLines(help.slice(help.indexOf('\nExamples:')));
    assert.ok(lines.length > 0, name);
    for (const line of lines) await accepts(line.replace(/\s+\d?<.*/, ''));
  }
});
