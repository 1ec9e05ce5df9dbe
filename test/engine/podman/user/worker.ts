import { readFileSync } from 'node:fs';
import { findAccount, openUserPodman } from '../../../../src/engine/podman/podman.ts';
import type { ShippedImages } from '../../../../src/oci/local-images.ts';
import { buildImage } from '../../../support/image-builder.ts';
import { pinRequest, resolvedOf } from '../fixture.ts';

/**
 * Runs on a booted host: `worker.ts USER PINS-KEY BUSYBOX [pin|look|stay]`. Prints what the user's podman
 * has as one line of JSON; `pin` first brings an image, names and pins it, `stay` waits to be killed.
 */
const [, , name = '', pinKey = '', busybox = '', what] = process.argv;

const built = buildImage({
  layers: [{ files: { 'bin/busybox': readFileSync(busybox) } }],
  entrypoint: ['/bin/busybox', 'echo', 'it runs'],
});
const [image] = resolvedOf('quay.example/app:1', built);
const manifest = built.manifests[0];
if (image === undefined || manifest === undefined) throw new Error('an image has a platform');
const { name: imageName } = image;
const images: ShippedImages = {
  find: () => image,
  has: () => true,
  manifest: () => manifest,
  signatures: () => [],
  read: async function* ({ digest }) {
    yield built.blobs.get(digest) ?? Buffer.alloc(0);
  },
};

const account = await findAccount(name);
if (account === undefined) throw new Error(`there is no user ${name}`);
const warnings: string[] = [];
const engine = await openUserPodman({
  account,
  pinKey,
  warn: (message) => warnings.push(message),
  environment: process.env,
});
try {
  if (what === 'pin') {
    const lack = await engine.roomFor('os', 1);
    if (lack !== undefined) throw lack;
    const id = await engine.fetch(image, { from: 'layout', images });
    await engine.tag(id, imageName);
    await engine.pin('os', [pinRequest(image)]);
  }
  const pins = await engine.pins();
  const report = {
    info: await engine.info(),
    traits: engine.traits,
    footprint: (await engine.footprint([image])).images.map(({ lacking }) => lacking.length),
    pins: pins.map(({ engine: of, root, sealed }) => ({ of, root, sealed })),
    genuine: (await engine.genuine?.(pins))?.length,
    names: (await engine.images()).flatMap(({ names }) => names),
    warnings,
  };
  process.stdout.write(`${JSON.stringify(report)}\n`);
  if (what === 'stay') await new Promise((resolve) => setTimeout(resolve, 1_000_000));
} finally {
  await engine.close();
}
