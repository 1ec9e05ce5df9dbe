import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DirectoriesConfig } from '../../src/deployment/directories.ts';
import type { PinRequest } from '../../src/engine/pin.ts';
import { openPodman } from '../../src/engine/podman/podman.ts';
import { formatPlatform, hostPlatform } from '../../src/image/platform.ts';
import { buildImage } from './image-builder.ts';
import { copyPinOfPodman, type PinsOfRoot } from './many-pins.ts';
import { type NamedImage, writeImagesOfPodman } from './many-podman.ts';
import { preparePodman, type TestPodman } from './podman.ts';
import { wrappedPodman } from './podman-wrapper.ts';

/** A host with many images, and many roots that are staged and lack nothing. */
export interface ManyImages {
  readonly podman: TestPodman;
  /** berth's state directory. */
  readonly state: string;
  readonly roots: DirectoriesConfig['roots'];
  readonly active: DirectoriesConfig['active'];
}

const LIST = 'usr/lib/berth/images.d/all.list';
const TIME = '2026-01-02T03:04:05.000Z';

/**
 * Makes a podman of Debian trixie with images of their own for each of many roots, with what berth has on disk when it
 * has staged them.
 *
 * @param directory empty, in /tmp. The caller stops the podman.
 */
export async function makeManyImages(
  directory: string,
  { roots, imagesEach }: { readonly roots: number; readonly imagesEach: number },
): Promise<ManyImages> {
  const state = join(directory, 'state');
  mkdirSync(join(state, 'roots'), { recursive: true });
  const all = Array.from({ length: roots }, (_, r) =>
    writeStaged(directory, state, r, imagesOf(r, imagesEach)),
  );
  writeImagesOfPodman(
    join(directory, 'root'),
    all.flatMap(({ images }) => images),
  );
  const podman = preparePodman(directory, {
    environment: { PATH: wrappedPodman(directory, { trixie: true }) },
  });
  const pinKey = join(state, 'pins.key');
  await pinFirst(podman, pinKey, all[0]);
  await podman.restart(() => copyPinOfPodman(directory, pinKey, restOf(all)));
  const active = { file: join(directory, 'active') };
  writeFileSync(active.file, `${all[0]?.root}\n`);
  return {
    podman,
    state,
    active,
    roots: all.map(({ root: id, location: path }) => ({ id, path })),
  };
}

interface StagedRoot extends PinsOfRoot {
  readonly location: string;
  readonly images: readonly NamedImage[];
}

/** podman makes the first pin itself, of which the others are copies. */
async function pinFirst(podman: TestPodman, pinKey: string, first: StagedRoot | undefined) {
  const [request] = first?.requests ?? [];
  if (first === undefined || request === undefined)
    throw new Error('expected a root with an image');
  await podman.restart();
  const { environment } = podman;
  const engine = await openPodman({ user: false, pinKey, environment });
  await engine.pin(first.root, [request]);
  await engine.close();
}

/** All pins but the first. The first root gets a second pod: pods of one root stand side by side. */
function restOf([first, ...others]: readonly StagedRoot[]): readonly PinsOfRoot[] {
  if (first === undefined) return [];
  return [{ root: first.root, requests: first.requests.slice(1) }, ...others];
}

function imagesOf(root: number, count: number): readonly NamedImage[] {
  return Array.from({ length: count }, (_, i) => {
    const seed = root * count + i;
    const image = buildImage({ layers: [{ bytes: 100, seed }], labels: { seed: String(seed) } });
    return { name: `registry.example.com/team${root}/app${i}:1`, image };
  });
}

/** Writes the tree and the record of a root. */
function writeStaged(
  directory: string,
  state: string,
  number: number,
  images: readonly NamedImage[],
): StagedRoot {
  const root = `root${number}`;
  const location = join(directory, 'trees', root);
  const list = join(location, LIST);
  mkdirSync(join(list, '..'), { recursive: true });
  writeFileSync(list, images.map(({ name }) => `${name}\n`).join(''));
  const platform = formatPlatform(hostPlatform());
  const entries = images.map(({ name, image }, i) => {
    const { digest } = image.top;
    const reference = { raw: name, path: `/${LIST}`, line: i + 1, key: 'list', unit: 'all.list' };
    const names = [{ name, digest, references: [reference] }];
    const id = idOf(image);
    return { id, manifest: digest, platform, size: 1000, fetched: true, names };
  });
  const record = {
    apiVersion: 'berth/v1',
    kind: 'Record',
    id: root,
    location,
    engine: 'podman',
    released: [],
    staged: { time: TIME, images: entries, problems: [], unresolved: [] },
    deployment: { updater: 'directories', role: number === 0 ? 'booted' : 'other' },
  };
  writeFileSync(join(state, 'roots', `${root}.json`), `${JSON.stringify(record, undefined, 2)}\n`);
  const told = { location, images: images.length, problems: 0, staged: TIME };
  const requests = entries.map(
    ({ id, manifest, names }): PinRequest => ({
      id,
      platform,
      fetched: true,
      names: names.map(({ name, digest }) => ({ name, digest, manifest })),
      record: {
        ...told,
        deployment: { updater: 'directories', role: record.deployment.role },
      } as PinRequest['record'],
    }),
  );
  return { root, location, images, requests };
}

function idOf({ top }: NamedImage['image']): string {
  return (JSON.parse(top.content.toString()) as { config: { digest: string } }).config.digest;
}
