// A process of its own for the tests of the service: `exit` forgets to close, `pin` does it all.
import { once } from 'node:events';
import { join } from 'node:path';
import { array, number, object, parse, string } from 'valibot';
import { openPodman } from '../../../src/engine/podman/podman.ts';
import { fromRegistry } from '../../support/source.ts';
import { pinRequest } from './fixture.ts';

const resolved = object({
  name: string(),
  digest: string(),
  manifest: string(),
  config: string(),
  platform: string(),
  blobs: array(object({ mediaType: string(), digest: string(), size: number() })),
});

const [what, text = ''] = process.argv.slice(2);
const pinKey = join(process.env['TMPDIR'] ?? '', 'pins.key');
const engine = await openPodman({
  user: what === 'exit',
  pinKey,
  environment: process.env,
});
if (what === 'exit') {
  console.log('open');
  await once(process.stdin, 'data');
  process.exit();
}
const image = parse(resolved, JSON.parse(text));
await engine.fetch(image, fromRegistry());
await engine.pin('os', [pinRequest(image)]);
console.log(`${(await engine.pins()).length} pinned`);
await engine.close();
