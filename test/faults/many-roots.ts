import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../../src/image/digest.ts';
import { formatPlatform, hostPlatform } from '../../src/image/platform.ts';
import { HOST } from './site.ts';

export interface ManyRoots {
  readonly roots: number;
  readonly imagesEach: number;
  /** How many of them are newer, under the same name, than those of the root before. */
  readonly newEach: number;
}

const LIST = 'usr/lib/berth/images.d/all.list';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const TIME = '2026-01-02T03:04:05.000Z';

/**
 * Writes what berth has on disk when it has staged many roots of one configuration, which staging
 * them one after the other would take minutes for, and the configuration that names them.
 */
export function writeManyRoots(directory: string, many: ManyRoots): { readonly config: string } {
  const state = join(directory, 'state');
  const store = join(state, 'store');
  const blobs = join(store, 'blobs/sha256');
  for (const made of [blobs, join(store, 'pins'), join(state, 'roots')]) {
    mkdirSync(made, { recursive: true });
  }
  const total = many.imagesEach + (many.roots - 1) * many.newEach;
  const images = Array.from({ length: total }, (_, i) => writeImage(blobs, i, i % many.imagesEach));
  const manifests = images.flatMap(({ name, digest, size }, i) =>
    // The root that runs, which is the first, has the tags.
    [`${name}@${digest}`, ...(i < many.imagesEach ? [`${name}:1`] : [])].map((ref) => ({
      mediaType: MANIFEST,
      digest,
      size,
      annotations: { 'org.opencontainers.image.ref.name': ref },
      platform: hostPlatform(),
    })),
  );
  writeFileSync(join(store, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
  writeFileSync(join(store, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  const config = ['[directories]', `active = { file = "${join(directory, 'active')}" }`];
  writeFileSync(join(directory, 'active'), 'root0\n');
  for (let r = 0; r < many.roots; r++) {
    const id = `root${r}`;
    const location = join(directory, 'trees', id);
    const first = r * many.newEach;
    const own = images.slice(first, first + many.imagesEach);
    writeTree(location, own);
    writePins(store, id, location, own);
    writeRecord(state, id, location, own, r === 0);
    config.push('[[directories.roots]]', `path = "${location}"`, `id = "${id}"`);
  }
  const path = join(directory, 'berth.toml');
  writeFileSync(path, `${config.join('\n')}\n`);
  return { config: path };
}

interface Image {
  readonly name: string;
  readonly digest: string;
  readonly size: number;
  readonly bytes: number;
}

function writeImage(blobs: string, number: number, app: number): Image {
  const put = (content: string) => {
    const digest = sha256(Buffer.from(content));
    writeFileSync(join(blobs, digest.slice('sha256:'.length)), content);
    return { digest, size: content.length };
  };
  const config = put(`{"number":${number}}`);
  const layers = ['base', `layer ${number}`].map(put);
  const manifest = put(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
      layers: layers.map((layer) => ({
        mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
        ...layer,
      })),
    }),
  );
  const bytes = layers.reduce((sum, { size }) => sum + size, config.size);
  return { name: `${HOST}/team/app${app}`, ...manifest, bytes };
}

function writeTree(location: string, images: readonly Image[]): void {
  const list = join(location, LIST);
  mkdirSync(join(list, '..'), { recursive: true });
  writeFileSync(list, images.map(({ name }) => `${name}:1\n`).join(''));
}

function writePins(store: string, root: string, location: string, images: readonly Image[]): void {
  const record = { location, images: images.length, problems: 0, staged: TIME };
  const platform = formatPlatform(hostPlatform());
  const pins = images.map(({ name, digest }) => {
    const names = [{ name: `${name}:1`, digest, manifest: digest }];
    return { id: digest, platform, fetched: true, names, record };
  });
  const file = JSON.stringify({ schemaVersion: 1, root, pins }, undefined, 1);
  writeFileSync(join(store, 'pins', `${root}.json`), `${file}\n`);
}

function writeRecord(
  state: string,
  id: string,
  location: string,
  images: readonly Image[],
  isBooted: boolean,
): void {
  const platform = formatPlatform(hostPlatform());
  const contents = images.map(({ name, digest, bytes }, i) => {
    const raw = `${name}:1`;
    const reference = { raw, path: `/${LIST}`, line: i + 1, key: 'list', unit: 'all.list' };
    const names = [{ name: raw, digest, references: [reference] }];
    return { id: digest, manifest: digest, platform, size: bytes, fetched: true, names };
  });
  const record = {
    apiVersion: 'berth/v1',
    kind: 'Record',
    id,
    location,
    engine: 'store',
    released: [],
    staged: { time: TIME, images: contents, problems: [], unresolved: [] },
    deployment: { updater: 'directories', role: isBooted ? 'booted' : 'other' },
  };
  writeFileSync(join(state, 'roots', `${id}.json`), `${JSON.stringify(record, undefined, 2)}\n`);
}
