import assert from 'node:assert/strict';
import { test } from 'node:test';
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
  assert.match(lines[0] ?? '', /^fetched {2}registry\.example\.com\/web:1 {3}1\.0 kB in /);
  assert.match(
    lines[1] ?? '',
    /^fetched {2}registry\.example\.com\/web:1 for docker {3}2\.0 kB in /,
  );
});
