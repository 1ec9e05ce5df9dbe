import { append } from '../../common/append.ts';
import type { SystemdUnit } from '../../systemd/systemd-unit.ts';
import { parseUnitName } from '../../systemd/unit-name.ts';
import { imageOf, privateImageOf } from '../image-value.ts';
import type { Fault } from '../problem.ts';
import type { Reference } from '../reference.ts';
import { storageOptions } from '../store-options.ts';
import { builtImages } from './built-images.ts';
import { type CommandPull, commandPull } from './command-pull.ts';
import { copiedImage } from './copied-image.ts';
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
import type { Option } from './split-options.ts';
import type { Word } from './words.ts';

/** Adds the images that one command of podman, docker, nerdctl or ctr names. */
export async function commandImages(
  command: ContainerCommand,
  ignoresFailure: boolean,
  place: ServicePlace,
  context: ServiceContext,
  found: Findings,
): Promise<void> {
  const { kind, program, options, rest } = command;
  const { directory } = place;
  const pull = onStorage(
    commandPull(command, {
      etc: context.etc,
      ignoresFailure,
      directory,
      byDefault:
        command.program === 'podman' ? context.containersConf?.pullPolicy?.policy : undefined,
    }),
    command,
    context,
  );
  const add = (word: Word) => {
    // A template itself never starts; words with its instance are read in its instances.
    if (word.fault !== undefined && isTemplate(place.unit) && /%[iIfjJ]/.test(word.raw)) return;
    found.references.push(referenceTo(word, pull, place, context));
  };
  if (kind === 'build') {
    const built = builtImages(command, pull, place, context);
    append(found.references, built.references);
    append(found.problems, built.problems);
    return;
  }
  if (kind === 'copy') {
    const [source, target] = rest;
    const copied = copiedImage(source, target, context.shortNames);
    if (copied.ok) add(copied.word);
    else found.problems.push(problemAt(place, copied.fault));
    return;
  }
  if (kind === 'play') {
    const played = { ignoresFailure, pull };
    await playedImages(rest, played, place, context, found);
    const infra = infraImage(command, context);
    if (infra !== undefined) add(infra);
    return;
  }
  if (kind === 'pull' || kind === 'use') {
    for (const word of rest) add(word);
    return;
  }
  if (kind === 'pod' || kind === 'volume') {
    const images = optionImages(kind, options);
    for (const word of images) add(word);
    const infra = kind === 'pod' && images.length === 0 ? infraImage(command, context) : undefined;
    if (infra !== undefined) add(infra);
    return;
  }
  for (const { name, value } of options) {
    const mounted = name === 'mount' && value !== undefined ? mountedImage(value) : undefined;
    if (mounted !== undefined) add(mounted);
  }
  const image = rest[kind === 'runlabel' ? 1 : 0];
  if (program === 'buildah' && image?.text === 'scratch') return;
  if (options.some(({ name, value }) => name === 'rootfs' && value?.text !== 'false')) return;
  if (image === undefined) found.problems.push(problemAt(place, noImage));
  else add(image);
}

/** The image of `podman pod create --infra-image`, or of a volume with the driver `image`. */
function optionImages(kind: 'pod' | 'volume', options: readonly Option[]): readonly Word[] {
  const values = (name: string) =>
    options.flatMap((option) => (option.name === name && option.value ? [option.value] : []));
  if (kind === 'pod') {
    const isWithout = options.findLast(({ name }) => name === 'infra')?.value?.text === 'false';
    return isWithout ? [] : values('infra-image').slice(-1);
  }
  if (values('driver').at(-1)?.text !== 'image') return [];
  return values('opt').flatMap((word) =>
    word.text.startsWith('image=') ? [{ ...word, text: word.text.slice('image='.length) }] : [],
  );
}

/** The infra image of containers.conf for a new pod. */
function infraImage(
  { program, options }: ContainerCommand,
  { containersConf }: ServiceContext,
): Word | undefined {
  const value = containersConf?.infraImage?.value ?? '';
  const isWithout = options.findLast(({ name }) => name === 'infra')?.value?.text === 'false';
  return program !== 'podman' || value === '' || isWithout
    ? undefined
    : { text: value, raw: value };
}

/** Adds the image stores that a podman command uses to its pull options. */
function onStorage(
  pull: CommandPull,
  { program, options }: ContainerCommand,
  context: ServiceContext,
): CommandPull {
  if (program !== 'podman' && program !== 'buildah') return pull;
  const { additionalStores, faults } = storageOptions(options, context);
  return {
    options: { ...pull.options, ...(additionalStores === undefined ? {} : { additionalStores }) },
    faults: [...pull.faults, ...faults],
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
