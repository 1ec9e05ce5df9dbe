import { list } from '../../systemd/lookup.ts';
import type { SystemdUnit } from '../../systemd/systemd-unit.ts';
import { parseUnitName } from '../../systemd/unit-name.ts';
import { imageOf, privateImageOf } from '../image-value.ts';
import type { Fault } from '../problem.ts';
import type { Reference } from '../reference.ts';
import { storageEnvironment, storageOptions } from '../store-options.ts';
import { type CommandPull, commandPull } from './command-pull.ts';
import { mountedImage } from './mounted-image.ts';
import { playedImages } from './played-images.ts';
import type { ContainerCommand } from './programs.ts';
import {
  type Findings,
  placeOf,
  problemAt,
  type ServiceContext,
  type ServicePlace,
} from './service-place.ts';
import type { Word } from './words.ts';

/** Adds the images that one command of podman, docker, nerdctl or ctr names. */
export async function commandImages(
  command: ContainerCommand,
  ignoresFailure: boolean,
  place: ServicePlace,
  context: ServiceContext,
  found: Findings,
): Promise<void> {
  const { kind, options, rest } = command;
  const { directory } = place;
  const pull = onStorage(
    commandPull(command, { etc: context.etc, ignoresFailure, directory }),
    command,
    place,
    context,
  );
  const add = (word: Word) => {
    // A template itself never starts; words with its instance are read in its instances.
    if (word.fault !== undefined && isTemplate(place.unit) && /%[iIfjJ]/.test(word.raw)) return;
    found.references.push(referenceTo(word, pull, place, context));
  };
  if (kind === 'play') {
    const played = { ignoresFailure, pull };
    await playedImages(rest, played, place, context, found);
    return;
  }
  if (kind === 'pull') {
    for (const word of rest) add(word);
    return;
  }
  for (const { name, value } of options) {
    const mounted = name === 'mount' && value !== undefined ? mountedImage(value) : undefined;
    if (mounted !== undefined) add(mounted);
  }
  const [image] = rest;
  if (options.some(({ name, value }) => name === 'rootfs' && value?.text !== 'false')) return;
  if (image === undefined) found.problems.push(problemAt(place, noImage));
  else add(image);
}

/** Adds the image stores that a podman command uses to its pull options. */
function onStorage(
  pull: CommandPull,
  { program, options }: ContainerCommand,
  { unit }: ServicePlace,
  context: ServiceContext,
): CommandPull {
  if (program !== 'podman') return pull;
  const { additionalStores, faults } = storageOptions(options, context);
  const environmentFaults = list(unit.entries, 'Service', 'Environment').flatMap(
    storageEnvironment,
  );
  return {
    options: { ...pull.options, ...(additionalStores === undefined ? {} : { additionalStores }) },
    faults: [...pull.faults, ...faults, ...environmentFaults],
  };
}

function referenceTo(
  word: Word,
  { options, faults }: CommandPull,
  place: ServicePlace,
  { shortNames }: ServiceContext,
): Reference {
  const imageBy = word.isPrivate ? privateImageOf : imageOf;
  const image =
    word.fault === undefined
      ? imageBy(word.text, shortNames)
      : { ok: false as const, fault: word.fault };
  const all = [...(image.ok ? [] : [image.fault]), ...faults];
  return {
    ...placeOf(place),
    raw: word.raw,
    path: place.entry.path,
    line: place.entry.line,
    key: place.entry.key,
    ...(image.ok ? { image: image.image } : {}),
    pull: options,
    problems: all.map((fault) => problemAt(place, fault)),
  };
}

function isTemplate(unit: SystemdUnit): boolean {
  return parseUnitName(unit.name).instance === '';
}

const noImage: Fault = {
  code: 'command-line',
  message: 'expected an image behind the options, found the end of the command line',
  hint: 'write the image, or correct the options before it',
};
