import assert from 'node:assert/strict';
import test from 'node:test';
import type { ProgressEvent } from '../../../src/lifecycle/events.ts';
import { signaturesOf } from '../../../src/lifecycle/ship/signatures.ts';
import { MemoryRegistry } from '../../support/memory-registry.ts';
import { fromRegistry } from '../../support/source.ts';

class SigningRegistry extends MemoryRegistry {
  override async signatures() {
    return [0, 31, 32, 300].map((length) => Buffer.alloc(length, 0xa3));
  }
}

test('what is too short for a signature is left out, with a warning', async () => {
  const events: ProgressEvent[] = [];
  const report = (event: ProgressEvent) => void events.push(event);
  const { signal } = new AbortController();
  const image = { name: 'q.io/a:1', manifest: `sha256:${'a'.repeat(64)}` };
  const source = fromRegistry();
  const found = await signaturesOf({ signal, report }, new SigningRegistry(), image, source);
  assert.deepEqual(
    found.map(({ length }) => length),
    [32, 300],
  );
  assert.deepEqual(events, [
    {
      event: 'warning',
      code: 'signatures-left-out',
      name: 'q.io/a:1',
      message: 'q.io/a:1 goes without 2 files too short for a signature',
    },
  ]);
});
