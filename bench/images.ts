import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { debianRoot } from '../test/support/debian-root.ts';
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
  const every = writeEverySource(join(directory, 'every'));
  const config = join(directory, 'berth.toml');
  writeFileSync(config, 'compose = ["/etc/compose/*"]\n');
  const all = images(every);
  const allSources = await compare(
    RUNS,
    () => timed({ ...all, words: [...all.words, '--config', config] }),
    () => timed(generator(every)),
  );
  const debian = debianRoot('trixie');
  const real = await compare(
    RUNS,
    () => timed(images(debian)),
    () => timed({ program: 'systemctl', words: [`--root=${debian}`, 'list-unit-files'] }),
  );
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
      work: 'images, all sources: 1,000 Quadlet pairs, 2,000 plain services, the rest',
      against: 'quadlet -dryrun on the Quadlet part',
      berth: seconds(allSources.ours),
      peer: seconds(allSources.theirs),
      ratio: allSources.ours / allSources.theirs,
      limit: 4,
    },
    {
      work: 'images of a Debian root with systemd (420 MB)',
      against: 'systemctl --root=DIR list-unit-files',
      berth: seconds(real.ours),
      peer: seconds(real.theirs),
      ratio: real.ours / real.theirs,
      limit: 2,
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

/** The same pairs, with 2,000 plain services and some of every other source. */
function writeEverySource(root: string): string {
  writeRoot(root, 1000);
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const system = 'usr/lib/systemd/system';
  write(`${system}/default.target`, '[Unit]\nRequires=multi-user.target\n');
  write(`${system}/multi-user.target`, '[Unit]\nDescription=Multi-User System\n');
  mkdirSync(join(root, 'etc/systemd/system/multi-user.target.wants'), { recursive: true });
  for (let i = 0; i < 2000; i++) {
    const command =
      i % 10 === 0
        ? `/usr/bin/podman run --rm -p 80:80 registry.example.com/acme/plain${i}:1`
        : `/usr/bin/plain${i} --serve`;
    write(
      `${system}/plain${i}.service`,
      `[Unit]\nDescription=Plain ${i}\nAfter=network.target\n\n[Service]\nExecStart=${command}\n\n[Install]\nWantedBy=multi-user.target\n`,
    );
    if (i % 2 === 0) {
      const wants = `etc/systemd/system/multi-user.target.wants/plain${i}.service`;
      symlinkSync(`/${system}/plain${i}.service`, join(root, wants));
    }
  }
  const pod = (name: string) =>
    `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}}\nspec:\n  containers:\n  - name: main\n    image: registry.example.com/acme/${name}:1\n`;
  const units = 'usr/share/containers/systemd';
  for (let i = 0; i < 20; i++) {
    write(`${units}/kube${i}.kube`, `[Kube]\nYaml=kube${i}.yaml\n`);
    write(`${units}/kube${i}.yaml`, pod(`kube${i}`));
    write(`${units}/made${i}.build`, `[Build]\nImageTag=made${i}\nSetWorkingDirectory=/etc/made\n`);
    write(`etc/kubernetes/manifests/static${i}.yaml`, pod(`static${i}`));
    write(
      `etc/compose/p${i}/compose.yaml`,
      `services:\n  web:\n    image: registry.example.com/acme/compose${i}:\${TAG:-1}\n`,
    );
    write(`usr/lib/berth/images.d/l${i}.list`, `registry.example.com/acme/list${i}:1\n`);
  }
  write('etc/made/Containerfile', 'FROM registry.example.com/acme/base:1\n');
  return root;
}
