import { gzipSync, zstdCompressSync } from 'node:zlib';
import {
  type Archived,
  below,
  dockerArchive,
  dockerMembers,
  imageDirectory,
  ociArchive,
  ociLayout,
} from '../../support/archives.ts';
import { buildImage } from '../../support/image-builder.ts';
import { type Member, paxRecord, tar } from '../../support/tar.ts';
import type { Tree } from '../../support/tree.ts';

export const app = buildImage({
  layers: [
    { bytes: 3000, seed: 1 },
    { bytes: 700_000, seed: 2 },
  ],
});
const other = buildImage({
  layers: [
    { bytes: 3000, seed: 1 },
    { bytes: 10, seed: 3 },
  ],
});
export const named: Archived = { image: app, names: ['q.io/app:1', 'app:2'] };
const unnamed: Archived = { image: app, names: [] };
const second: Archived = { image: other, names: ['q.io/other:1'] };
const ocis: Archived = { image: app, names: ['q.io/app:1'] };

export const bothNames = ['q.io/app:1', 'docker.io/library/app:2'];

const members = dockerMembers([named]);
const ociMembers = Object.entries(ociLayout([ocis])).map(([path, content]) => ({ path, content }));

/** Members of an archive of docker, of which the first that matches is changed. */
export function changed(pattern: RegExp, change: Change): Buffer {
  return tar(withFirst(members, pattern, change));
}

/** An OCI layout with another `index.json`. */
function changedLayout(change: Change): Buffer {
  return tar(withFirst(ociMembers, /^index\.json$/, change));
}

type Change = (member: Member) => readonly Member[];

function withFirst(all: readonly Member[], pattern: RegExp, change: Change): readonly Member[] {
  const first = all.find(({ path }) => pattern.test(path));
  return all.flatMap((member) => (member === first ? change(member) : [member]));
}

/** Moves a file to another directory, and puts a link of a type in its place. */
export function linkedTo(type: '1' | '2', directory: string): Change {
  return (member) => [
    { ...member, path: `${directory}${member.path}` },
    { path: member.path, type, target: `${directory}${member.path}` },
  ];
}

const empty = ({ path }: Member): Member => ({ path, content: '[]' });

/** The formats that podman takes images from, and the names that the images get there. */
export const formats: readonly (readonly [string, Tree, readonly string[]])[] = [
  ['docker-archive:/a.tar', { '/a.tar': dockerArchive([named]) }, bothNames],
  ['docker-archive:/a.tar', { '/a.tar': dockerArchive([named], 'packed') }, bothNames],
  ['docker-archive:/a.tar', { '/a.tar': gzipSync(dockerArchive([named])) }, bothNames],
  ['docker-archive:/a.tar', { '/a.tar': zstdCompressSync(dockerArchive([named])) }, bothNames],
  ['docker-archive:/a.tar', { '/a.tar': gzipSync(dockerArchive([named], 'packed')) }, bothNames],
  ['docker-archive:/a.tar', { '/a.tar': dockerArchive([unnamed]) }, []],
  [
    'docker-archive:/a.tar:app:2',
    { '/a.tar': dockerArchive([second, named]) },
    ['docker.io/library/app:2'],
  ],
  ['docker-archive:/a.tar:@1', { '/a.tar': dockerArchive([second, named]) }, bothNames],
  [
    'docker-archive:/l.tar',
    { '/l.tar': '-> usr/a.tar', '/usr/a.tar': dockerArchive([named]) },
    bothNames,
  ],
  ['docker-archive:/a.tar', { '/a.tar': changed(/^manifest/, linkedTo('2', 'x/')) }, bothNames],
  ['docker-archive:/a.tar', { '/a.tar': changed(/^manifest/, (m) => [m, empty(m)]) }, bothNames],
  ['docker-archive:/a.tar', { '/a.tar': changed(/\.tar$/, (m) => [m, empty(m)]) }, bothNames],
  ['docker-archive:/a.tar', { '/a.tar': tar([...members, { path: '../x' }]) }, bothNames],
  ['oci-archive:/a.tar', { '/a.tar': ociArchive([ocis]) }, ['q.io/app:1']],
  [
    'oci-archive:/a.tar',
    { '/a.tar': tar(ociMembers.map((m) => ({ ...m, path: `/./${m.path}` }))) },
    ['q.io/app:1'],
  ],
  ['oci-archive:/a.tar', { '/a.tar': changedLayout(linkedTo('1', 'x/')) }, ['q.io/app:1']],
  ['oci-archive:/a.tar', { '/a.tar': changedLayout(linkedTo('2', 'x/')) }, ['q.io/app:1']],
  ['oci-archive:/a.tar', { '/a.tar': changedLayout((m) => [empty(m), m]) }, ['q.io/app:1']],
  [
    'oci-archive:/a.tar',
    {
      '/a.tar': changedLayout((m) => [
        { ...m, path: 'x' },
        { path: 'y', type: '2', target: './x' },
        { path: m.path, type: '2', target: 'y' },
      ]),
    },
    ['q.io/app:1'],
  ],
  ['oci-archive:/a.tar', { '/a.tar': zstdCompressSync(ociArchive([ocis])) }, ['q.io/app:1']],
  ['oci-archive:/a.tar', { '/a.tar': ociArchive([unnamed]) }, []],
  [
    'oci-archive:/a.tar:x',
    { '/a.tar': ociArchive([second, { image: app, names: ['x'] }]) },
    ['localhost/x:latest'],
  ],
  ['oci:/a', below('/a', ociLayout([ocis])), []],
  ['oci:/a:q.io/app:1', below('/a', ociLayout([second, ocis])), ['q.io/app:1']],
  ['dir:/a', below('/a', imageDirectory(app)), []],
];

const flipped = (content: Buffer, at: number) => {
  const copy = Buffer.from(content);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
};

/** The last layer of the archive ends there. */
const whole = dockerArchive([named]);
const layout = ociLayout([ocis]);
const [someBlob = ''] = [...app.blobs.keys()].slice(-1).map((digest) => digest.replace(':', '/'));

/** Archives from which podman can take no image. */
export const damaged: readonly (readonly [string, Tree, RegExp])[] = [
  ['docker-archive:/a.tar', {}, /^\/a\.tar of the root: expected an archive, found nothing/],
  ['docker-archive:/a.tar', { '/a.tar/x': '' }, /expected an archive, found a directory/],
  ['oci:/a', { '/a': 'x' }, /expected a directory, found a file/],
  ['docker-archive:/a.tar', { '/a.tar': '' }, /manifest\.json of the root: expected a JSON file/],
  ['docker-archive:/a.tar', { '/a.tar': 'no tar at all' }, /expected a tar archive/],
  [
    'docker-archive:/a.tar',
    { '/a.tar': whole.subarray(0, 500_000) },
    /found the end of the archive/,
  ],
  [
    'docker-archive:/a.tar',
    { '/a.tar': gzipSync(whole).subarray(0, 500_000) },
    /expected whole compressed/,
  ],
  ['docker-archive:/a.tar', { '/a.tar': flipped(whole, 500_000) }, /bytes that hash to/],
  [
    'docker-archive:/a.tar',
    { '/a.tar': gzipSync(changed(/\.tar$/, (m) => [{ ...m, content: gzipSync('another') }])) },
    /bytes that hash to/,
  ],
  [
    'docker-archive:/a.tar',
    {
      '/a.tar': gzipSync(
        changed(/\.tar$/, (m) => [{ ...m, content: gzipSync(m.content ?? '').subarray(0, 100) }]),
      ),
    },
    /layers of whole compressed bytes/,
  ],
  ['docker-archive:/a.tar', { '/a.tar': gzipSync(flipped(whole, 500_000)) }, /bytes that hash to/],
  [
    'docker-archive:/a.tar',
    { '/a.tar': Buffer.from('fd377a585a000004', 'hex') },
    /plain, gzip or zstd/,
  ],
  [
    'docker-archive:/a.tar',
    { '/a.tar': changed(/\.tar$/, () => []) },
    /expected a file, found none/,
  ],
  [
    'docker-archive:/a.tar',
    { '/a.tar': changed(/[0-9a-f]\.json$/, () => []) },
    /expected a JSON file, found none/,
  ],
  [
    'docker-archive:/a.tar',
    { '/a.tar': changed(/^manifest/, (m) => [{ ...m, content: '[{]' }]) },
    /manifest\.json/,
  ],
  [
    'docker-archive:/a.tar',
    { '/a.tar': changed(/^manifest/, (m) => [{ ...m, content: '[]' }]) },
    /one image, as none is chosen, found none/,
  ],
  [
    'docker-archive:/a.tar',
    { '/a.tar': dockerArchive([named, second]) },
    /one image, as none is chosen, found 2/,
  ],
  ['docker-archive:/a.tar', { '/a.tar': changed(/\.tar$/, linkedTo('2', 'x/')) }, /found a link/],
  ['docker-archive:/a.tar', { '/a.tar': changed(/\.tar$/, linkedTo('1', 'x/')) }, /a hard link/],
  ['docker-archive:/a.tar', { '/a.tar': changed(/^manif/, linkedTo('1', 'x/')) }, /a hard link/],
  ['docker-archive:/a.tar', { '/a.tar': changed(/^manif/, (m) => [empty(m), m]) }, /found none/],
  ['docker-archive:/a.tar', { '/a.tar': changed(/\.tar$/, (m) => [empty(m), m]) }, /hash to/],
  [
    'docker-archive:/a.tar',
    { '/a.tar': tar(members.map((m) => ({ ...m, path: `/${m.path}` }))) },
    /manifest\.json of the root: expected a JSON file, found none/,
  ],
  [
    'docker-archive:/a.tar',
    {
      '/a.tar': changed(/^manifest/, (m) => [
        { path: '', type: 'L', content: 'other\0' },
        { path: '', type: 'x', content: paxRecord('path', m.path) },
        { ...m, path: 'third' },
      ]),
    },
    /manifest\.json of the root: expected a JSON file, found none/,
  ],
  [
    'docker-archive:/a.tar',
    { '/a.tar': tar([{ path: '', type: 'g', content: 'junk' }, ...members]) },
    /an extended header has a record that is none/,
  ],
  [
    'oci-archive:/a.tar',
    { '/a.tar': tar([...ociMembers, { path: '../x' }]) },
    /inside the archive/,
  ],
  [
    'oci-archive:/a.tar',
    { '/a.tar': tar([...ociMembers, { path: 'x', type: '2', target: '../y' }]) },
    /files and links inside the archive, found \.\.\/y/,
  ],
  [
    'oci-archive:/a.tar',
    { '/a.tar': tar([...ociMembers, { path: 'x', type: '1', target: 'y' }]) },
    /the file y before its hard link x, found none/,
  ],
  ['oci-archive:/a.tar', { '/a.tar': changedLayout((m) => [m, empty(m)]) }, /index\.json/],
  [
    'oci-archive:/a.tar',
    { '/a.tar': changedLayout((m) => [m, { path: m.path, type: '5' }]) },
    /nothing/,
  ],
  [
    'oci-archive:/a.tar',
    {
      '/a.tar': changedLayout((m) => [
        { ...m, path: 'x' },
        { path: m.path, type: '2', target: '/x' },
      ]),
    },
    /an OCI image index, found nothing/,
  ],
  ['docker-archive:/a.tar:app:3', { '/a.tar': whole }, /an image app:3, found none/],
  [
    'oci-archive:/a.tar',
    { '/a.tar': whole },
    /index\.json of the root: expected an OCI image index/,
  ],
  ['docker-archive:/a.tar', { '/a.tar': ociArchive([ocis]) }, /manifest\.json of the root/],
  ['oci:/a', below('/a', { ...layout, [`blobs/${someBlob}`]: 'x' }), /expected \d+ bytes, found 1/],
  [
    'oci:/a',
    below(
      '/a',
      Object.fromEntries(Object.entries(layout).filter(([name]) => !name.includes(someBlob))),
    ),
    /expected the blob sha256:\w+, found nothing/,
  ],
  [
    'dir:/a',
    below('/a', { ...imageDirectory(app), 'manifest.json': '{}' }),
    /manifest\.json of the root/,
  ],
];
