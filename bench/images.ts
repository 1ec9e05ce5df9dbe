import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  berth,
  compare,
  median,
  megabytes,
  peakMemory,
  type Row,
  seconds,
  timed,
} from './measure.ts';

const RUNS = 9;

/** `berth images` against podman's own generator on the same tree, and how both grow. */
export async function benchImages(directory: string): Promise<Row[]> {
  const script = resolve(import.meta.dirname, '../scripts/trixie-podman.sh');
  const quadlet = execFileSync(script, { encoding: 'utf8' }).trim();
  const small = writeRoot(join(directory, 'small'), 1000);
  const large = writeRoot(join(directory, 'large'), 10_000);
  const images = (root: string) => ({
    program: berth,
    words: ['images', '--bind', 'all', '--format', 'json', root],
  });
  const generator = (root: string) => ({
    program: quadlet,
    words: ['-dryrun'],
    environment: { QUADLET_UNIT_DIRS: join(root, 'usr/share/containers/systemd') },
  });
  const one = await compare(
    RUNS,
    () => timed(images(small)),
    () => timed(generator(small)),
  );
  const ten = [];
  for (let i = 0; i < 3; i++) ten.push(await timed(images(large)));
  const bare = resolve(import.meta.dirname, 'bare-read.mjs');
  const reading = {
    program: process.execPath,
    words: [bare, join(small, 'usr/share/containers/systemd')],
  };
  const limit = await compare(
    RUNS,
    () => timed(images(small)),
    () => timed(reading),
  );
  const peak = await peakMemory(images(large));
  return [
    {
      work: 'images, 1,000 .container + 1,000 .volume',
      against: 'quadlet -dryrun (podman 5.4.2)',
      berth: seconds(one.ours),
      peer: seconds(one.theirs),
      ratio: one.ours / one.theirs,
      limit: 2,
    },
    {
      work: 'the same',
      against: 'a bare script that reads the 2,000 files',
      berth: seconds(limit.ours),
      peer: seconds(limit.theirs),
      ratio: limit.ours / limit.theirs,
      limit: Number.POSITIVE_INFINITY,
      remark: 'the limit, for the record',
    },
    {
      work: 'images, ten times the units',
      against: 'itself on a tenth',
      berth: seconds(median(ten)),
      peer: seconds(one.ours),
      ratio: median(ten) / one.ours,
      limit: 12,
    },
    {
      work: 'images, 10,000 + 10,000, peak memory',
      against: '150 MB',
      berth: megabytes(peak),
      peer: '150 MB',
      ratio: peak / 150e6,
      limit: 1,
    },
  ];
}

/** A root with as many pairs of units, each with a line or two that is not about images. */
function writeRoot(root: string, pairs: number): string {
  const units = join(root, 'usr/share/containers/systemd');
  mkdirSync(units, { recursive: true });
  for (let i = 0; i < pairs; i++) {
    writeFileSync(
      join(units, `app${i}.container`),
      `[Unit]\nDescription=Application ${i}\n\n[Container]\nImage=registry.example.com/acme/app${i}:1\n` +
        `Volume=data${i}.volume:/data\nEnvironment=INDEX=${i}\n\n[Install]\nWantedBy=multi-user.target\n`,
    );
    writeFileSync(
      join(units, `data${i}.volume`),
      `[Volume]\nDriver=image\nImage=registry.example.com/acme/data${i}:1\n`,
    );
  }
  return root;
}
