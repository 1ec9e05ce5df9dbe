import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { asWritten, type Quadlets, readQuadlets } from '../../src/discovery/quadlet/quadlet.ts';
import type { Reference } from '../../src/discovery/reference.ts';
import type { Found } from '../../src/discovery/source.ts';
import { fullName } from '../../src/image/name.ts';
import { openRoot } from '../../src/root/open-root.ts';
import { splitWords } from '../../src/systemd/words.ts';
import { holds, isOver } from '../support/property.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { shortNames, type Tree, writeTree } from '../support/tree.ts';
import { forest } from './quadlet-forest.ts';
import { contextOf } from './source.ts';

const script = fileURLToPath(new URL('../../scripts/trixie-podman.sh', import.meta.url));

/** The output of podman's generator for two search directories. */
interface Generated {
  /** The services that have an image, with the word of the command line that names it. */
  readonly images: readonly { readonly service: string; readonly word: string }[];
  /** The files of which the generator makes no service. */
  readonly refused: ReadonlySet<string>;
  /** The paths of files that the generator can't parse. */
  readonly broken: ReadonlySet<string>;
}

function generate(quadlet: string, directory: string): Generated {
  const { stdout, stderr } = spawnSync(quadlet, ['-dryrun'], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: { QUADLET_UNIT_DIRS: `${directory}/one:${directory}/two` },
  });
  const images: { service: string; word: string }[] = [];
  for (const [, service, body] of stdout.matchAll(/^---(.*)---\n([^]*?)(?=^---|$(?![^]))/gm)) {
    const command = /^ExecStart=(.*)$/m.exec(body ?? '')?.[1] ?? '';
    const word = imageIn(command);
    if (service !== undefined && word !== undefined) images.push({ service, word });
  }
  const names = (pattern: RegExp) =>
    new Set(Array.from(stderr.matchAll(pattern), (match) => match[1] ?? ''));
  return {
    images,
    refused: names(/converting "([^"]*)":/g),
    broken: names(/error loading "([^"]*)"/g),
  };
}

/** The image in a command; undefined for a root file system, other volumes, networks and pods. */
function imageIn(command: string): string | undefined {
  const words = splitWords(command.replace(' --rootfs ""', ' --rootfs '), {
    escapes: true,
    relaxed: true,
  });
  assert.ok(words, command);
  const run = words.indexOf('run');
  if (words[1] === 'image') return words.at(-1);
  if (words[1] === 'volume') {
    return words.find((word) => word.startsWith('image='))?.slice('image='.length);
  }
  if (run !== 1) return undefined;
  const end = words.indexOf('EXEC') < 0 ? words.length : words.indexOf('EXEC');
  if (words[end - 1] === '--rootfs') return '';
  return words[end - 2] === '--rootfs' ? undefined : words[end - 1];
}

type Read = Pick<Quadlets, 'units'> & Found;

async function found(directory: string): Promise<Read> {
  const root = openRoot(directory);
  try {
    const context = contextOf(root);
    const quadlets = readQuadlets(root, ['/one', '/two'], () => false, context);
    return { ...quadlets, ...(await quadlets.images(asWritten)) };
  } finally {
    root.close();
  }
}

/** The service's name up to podman 5.4, which named templates of volumes and images differently. */
function asOldPodman(service: string): string {
  return service.replace(/^(.*)-(volume|image|build)@\.service$/, '$1@-$2.service');
}

function compare(generated: Generated, quadlets: Read, directory: string): void {
  const { references, problems } = quadlets;
  const built = problems
    .filter(({ code }) => code === 'built-on-host')
    .map(({ subject }) => `${asOldPodman(subject?.unit ?? '')} ${meant('localhost/made')}`);
  assert.deepEqual(
    [...references.filter(({ key }) => key === 'Image').map(serviceAndImage), ...built].sort(),
    generated.images.map(({ service, word }) => `${service} ${meant(word)}`).sort(),
    'the services that have an image, and the image',
  );
  for (const { unit, image, problems: its } of references) {
    assert.ok(image !== undefined || its.length > 0, `${unit} has no image and no problem`);
  }
  const masked = [...quadlets.units.values()].filter((unit) => unit.masked);
  const silent = new Set(masked.map(({ name }) => name));
  const refusals = problems.filter(({ code }) => code === 'refused' || code === 'unknown-key');
  assert.deepEqual(
    new Set(refusals.map(({ subject }) => basename(subject?.unitPath ?? ''))),
    new Set([...generated.refused].filter((name) => !silent.has(name) && isRead(name))),
    'the units that are refused',
  );
  assert.deepEqual(
    new Set(problems.filter(({ code }) => code === 'syntax').map(({ path }) => directory + path)),
    generated.broken,
    'the files that can not be parsed',
  );
}

function serviceAndImage(reference: Reference): string {
  return `${asOldPodman(reference.unit)} ${said(reference)}`;
}

/** The image's full name; invalid names as written; empty for a `.image` unit without an image. */
function said({ image, raw, kind }: Reference): string {
  if (image !== undefined) return image;
  return kind !== 'image' && raw.endsWith('.image') ? '' : bare(raw);
}

function meant(word: string): string {
  const name = fullName(word, shortNames);
  return name.ok ? name.name : bare(word);
}

/** Strips quotes at both ends, as podman 5.4 does even if they are unmatched. */
function bare(word: string): string {
  return word.replace(/^"+|"+$/g, '');
}

function isRead(name: string): boolean {
  return /\.(container|image|volume)$/.test(name);
}

test("images and refusals are those of podman's own generator", async (t) => {
  const quadlet = execFileSync(script, { encoding: 'utf8' }).trim();
  const top = temporaryDirectory(t);
  let number = 0;
  let total = 0;
  let difference = '';
  try {
    await holds(
      25,
      fc.asyncProperty(forest, async (tree: Tree) => {
        const directory = join(top, String(number++));
        mkdirSync(join(directory, 'one'), { recursive: true });
        mkdirSync(join(directory, 'two'));
        writeTree(directory, tree);
        const generated = generate(quadlet, directory);
        total += generated.images.length + generated.refused.size;
        try {
          compare(generated, await found(directory), directory);
        } catch (error) {
          difference = String(error);
          throw error;
        }
      }),
    );
  } catch (error) {
    assert.fail(`${difference}\n${String(error)}`);
  }
  // An empty forest would pass, too.
  assert.ok(isOver() || total > 300, `only ${total} units were compared`);
});
