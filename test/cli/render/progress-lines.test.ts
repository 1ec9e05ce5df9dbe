import assert from 'node:assert/strict';
import { test } from 'node:test';
import { journalProgress } from '../../../src/cli/render/journal-progress.ts';
import { plainProgress } from '../../../src/cli/render/plain-progress.ts';
import { imageOf } from '../../../src/cli/render/progress-lines.ts';
import type { EngineId } from '../../../src/common/engine-id.ts';

const name = 'registry.example.com/web:1';
const about = (engine: EngineId) => ({ id: 'sha256:1', name, engine });

test('a line names the engine of an image, if that is not the usual one', () => {
  const cases = [
    ['podman', name],
    ['store', name],
    ['docker', `${name} for docker`],
    ['podman:eve', `${name} for podman:eve`],
  ] as const;
  for (const [engine, text] of cases) {
    assert.equal(imageOf({ event: 'pinned', root: 'os', ...about(engine) }), text);
  }
});

test('one image on two engines comes twice', () => {
  const lines: string[] = [];
  const { report } = plainProgress((text) => lines.push(text));
  report({ event: 'fetch-started', bytes: 1000, ...about('podman') });
  report({ event: 'fetch-started', bytes: 2000, ...about('docker') });
  report({ event: 'fetched', ...about('podman') });
  report({ event: 'fetched', ...about('docker') });
  assert.equal(lines[0], 'fetching registry.example.com/web:1, 1.0 kB\n');
  assert.match(lines[1] ?? '', /^fetched {2}registry\.example\.com\/web:1 {3}1\.0 kB in /);
  assert.match(
    lines[2] ?? '',
    /^fetched {2}registry\.example\.com\/web:1 for docker {3}2\.0 kB in /,
  );
});

test('a command that fetches again says so again, and is interrupted only while it fetches', () => {
  const lines: string[] = [];
  const progress = plainProgress((text) => lines.push(text));
  const { report } = progress;
  for (const bytes of [1000, 2000]) {
    report({ event: 'fetch-planned', bytes, ...about('podman') });
    report({ event: 'fetch-started', bytes, ...about('podman') });
    if (bytes === 2000) progress.interrupted?.();
    report({ event: 'fetched', ...about('podman') });
    progress.interrupted?.();
  }
  progress.end();
  assert.deepEqual(
    lines.filter((line) => !line.startsWith('fetched')),
    [
      'fetching registry.example.com/web:1, 1.0 kB\n',
      'fetching registry.example.com/web:1, 2.0 kB\n',
      'interrupted: 0 B of 2.0 kB; what has come stays\n',
    ],
  );
});

test('in the journal, a line that no event causes is information', () => {
  const lines: string[] = [];
  const progress = journalProgress((text) => lines.push(text));
  const { report } = progress;
  for (const engine of ['podman', 'docker'] as const) {
    report({ event: 'fetch-started', bytes: 1000, ...about(engine) });
  }
  report({ event: 'fetch-failed', code: 'x', message: 'x', ...about('podman') });
  progress.interrupted?.();
  progress.end();
  assert.deepEqual(
    lines.map((line) => line.slice(0, 9)),
    ['<6>fetchi', '<3>failed', '<6>interr'],
  );
});

test('a registry that keeps berth waiting is named in a pipe too', () => {
  const lines: string[] = [];
  const { report } = plainProgress((text) => lines.push(text));
  report({ event: 'waiting', registry: 'registry.example.com:5000', milliseconds: 10_000 });
  assert.deepEqual(lines, ['waits    registry.example.com:5000 has sent nothing for 10 s\n']);
});
