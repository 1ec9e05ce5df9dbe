import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { debianLoader, debianRoot } from '../test/support/debian-root.ts';
import {
  berth,
  type Command,
  compare,
  inTurns,
  median,
  megabytes,
  peakMemory,
  type Row,
  seconds,
  timed,
} from './measure.ts';

const RUNS = 9;
const QUADLETS = 'usr/share/containers/systemd';

/** `berth images` against podman's own generators on the same tree, and how both grow. */
export async function benchImages(directory: string): Promise<Row[]> {
  const small = writeRoot(join(directory, 'small'), 1000);
  const large = writeRoot(join(directory, 'large'), 10_000);
  const ofPairs = await benchPairs(small);
  const ten = [];
  for (let i = 0; i < 3; i++) ten.push(await timed(images(large)));
  return [
    ...ofPairs.rows,
    {
      work: 'images, ten times the units',
      against: 'itself on a tenth',
      berth: seconds(median(ten)),
      peer: seconds(ofPairs.ours),
      ratio: median(ten) / ofPairs.ours,
      limit: 9,
    },
    ...(await benchFew(directory)),
    await benchEverySource(directory),
    await benchDebian(),
    await benchMemory(large),
  ];
}

/** 2,000 units against the generators of two podmans, and against reading the files alone. */
async function benchPairs(root: string): Promise<{ rows: Row[]; ours: number }> {
  const bare = resolve(import.meta.dirname, 'bare-read.mjs');
  const reading = { program: process.execPath, words: [bare, join(root, QUADLETS)] };
  const peers = { ...generators(root), 'a bare script that reads the 2,000 files': reading };
  const { ours, theirs } = await against(images(root), peers);
  const rows = theirs.map(({ against, taken }, index) => ({
    work: index === 0 ? 'images, 1,000 .container + 1,000 .volume' : 'the same',
    against,
    berth: seconds(ours),
    peer: seconds(taken),
    ratio: ours / taken,
    limit: against in generators(root) ? 1 : 2,
  }));
  return { rows, ours };
}

/** 20 units, for which the start of Node takes most of the time. */
async function benchFew(directory: string): Promise<Row[]> {
  const root = writeRoot(join(directory, 'few'), 10);
  const empty = join(directory, 'empty-script.cjs');
  writeFileSync(empty, '');
  const { ours, theirs } = await against(images(root), {
    ...generators(root),
    'an empty Node script': { program: process.execPath, words: [empty] },
  });
  const script = theirs.at(-1)?.taken ?? Number.NaN;
  return theirs.slice(0, -1).flatMap(({ against, taken }, index) => [
    {
      work: index === 0 ? 'images, 10 .container + 10 .volume' : 'the same',
      against,
      berth: seconds(ours),
      peer: seconds(taken),
      ratio: ours / taken,
      limit: 1,
    },
    {
      work: 'an empty Node script',
      against: `${against}, on these 20 units`,
      berth: seconds(script),
      peer: seconds(taken),
      ratio: script / taken,
      limit: Number.POSITIVE_INFINITY,
      remark: 'the limit, for the record',
    },
  ]);
}

async function benchEverySource(directory: string): Promise<Row> {
  const root = writeEverySource(join(directory, 'every'));
  const config = join(directory, 'berth.toml');
  writeFileSync(config, 'compose = ["/etc/compose/*"]\n');
  const all = images(root);
  const { ours, theirs } = await compare(
    RUNS,
    () => timed({ ...all, words: [...all.words, '--config', config] }),
    () => timed(olderGenerator(root)),
  );
  return {
    work: 'images, all sources: 1,000 Quadlet pairs, 2,000 plain services, the rest',
    against: 'quadlet -dryrun on the Quadlet part',
    berth: seconds(ours),
    peer: seconds(theirs),
    ratio: ours / theirs,
    limit: 4,
  };
}

async function benchDebian(): Promise<Row> {
  const debian = debianRoot('trixie');
  const { ours, theirs } = await compare(
    RUNS,
    () => timed(images(debian)),
    () => timed({ program: 'systemctl', words: [`--root=${debian}`, 'list-unit-files'] }),
  );
  return {
    work: 'images of a Debian root with systemd (420 MB)',
    against: 'systemctl --root=DIR list-unit-files',
    berth: seconds(ours),
    peer: seconds(theirs),
    ratio: ours / theirs,
    limit: 2,
  };
}

async function benchMemory(root: string): Promise<Row> {
  const peak = await peakMemory(images(root));
  return {
    work: 'images, 10,000 + 10,000, peak memory',
    against: '150 MB',
    berth: megabytes(peak),
    peer: '150 MB',
    ratio: peak / 150e6,
    limit: 1,
  };
}

function images(root: string): Command {
  return { program: berth, words: ['images', '--bind', 'all', '--format', 'json', root] };
}

/** The generators of the newest podman that runs here, and of an older one. */
function generators(root: string): Readonly<Record<string, Command>> {
  return Object.fromEntries(
    [newerGenerator(root), olderGenerator(root)].map((one) => [
      `quadlet -dryrun (podman ${versionOf(one)})`,
      one,
    ]),
  );
}

function versionOf({ program, words }: Command): string {
  const ask = [...words.slice(0, -1), '--version'];
  return execFileSync(program, ask, { encoding: 'utf8' }).trim();
}

/** The Quadlet generator of Debian forky’s podman, with the loader and libraries of forky. */
function newerGenerator(root: string): Command {
  const [program = '', ...words] = debianLoader('forky');
  const quadlet = join(debianRoot('forky'), 'usr/libexec/podman/quadlet');
  return { program, words: [...words, quadlet, '-dryrun'], environment: searching(root) };
}

function olderGenerator(root: string): Command {
  const script = resolve(import.meta.dirname, '../scripts/trixie-podman.sh');
  const program = execFileSync(script, { encoding: 'utf8' }).trim();
  return { program, words: ['-dryrun'], environment: searching(root) };
}

function searching(root: string): NodeJS.ProcessEnv {
  return { QUADLET_UNIT_DIRS: join(root, QUADLETS) };
}

/** Medians of a command and its peers, taken in turns. */
async function against(command: Command, peers: Readonly<Record<string, Command>>) {
  const [ours = Number.NaN, ...taken] = await inTurns(
    RUNS,
    [command, ...Object.values(peers)].map((one) => () => timed(one)),
  );
  const theirs = Object.keys(peers).map((name, index) => ({
    against: name,
    taken: taken[index] ?? Number.NaN,
  }));
  return { ours, theirs };
}

/** A root with as many pairs of units, each with a line or two that is not about images. */
function writeRoot(root: string, pairs: number): string {
  const units = join(root, QUADLETS);
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
  for (let i = 0; i < 20; i++) {
    write(`${QUADLETS}/kube${i}.kube`, `[Kube]\nYaml=kube${i}.yaml\n`);
    write(`${QUADLETS}/kube${i}.yaml`, pod(`kube${i}`));
    write(
      `${QUADLETS}/made${i}.build`,
      `[Build]\nImageTag=made${i}\nSetWorkingDirectory=/etc/made\n`,
    );
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
