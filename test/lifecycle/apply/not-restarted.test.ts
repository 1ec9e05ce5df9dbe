import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EngineId } from '../../../src/common/engine-id.ts';
import { sayNotRestarted } from '../../../src/lifecycle/apply/not-restarted.ts';
import type { ProgressEvent } from '../../../src/lifecycle/events.ts';
import type { RecordImage } from '../../../src/state/record.ts';

function image(engine: EngineId, id: string): RecordImage {
  const manifest = id;
  return { engine, id, manifest, platform: 'linux/amd64', size: 1, fetched: true, names: [] };
}

test('apply warns of new images that other engines run, and of no others', () => {
  const eve = image('podman:eve', 'sha256:1');
  const cases = [
    { before: [], images: [image('podman', 'sha256:1')], engines: undefined },
    { before: [eve], images: [eve], engines: undefined },
    {
      before: [image('podman', 'sha256:1')],
      images: [eve],
      engines: '1 new image for podman:eve,',
    },
    {
      before: [],
      images: [eve, image('docker', 'sha256:1'), image('docker', 'sha256:2')],
      engines: '3 new images for podman:eve, docker,',
    },
  ];
  for (const { before, images, engines } of cases) {
    const said: ProgressEvent[] = [];
    const report = (event: ProgressEvent) => void said.push(event);
    sayNotRestarted({ engine: { id: 'podman' }, report }, images, { images: before });
    assert.equal(said.length, engines === undefined ? 0 : 1);
    for (const event of said) {
      assert.ok(event.event === 'warning' && event.code === 'not-restarted');
      assert.ok(event.message.includes(engines ?? ''), event.message);
    }
  }
});
