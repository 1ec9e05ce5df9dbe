import { append } from '../../../common/append.ts';
import { type EngineSettings, modulesIn, withModules } from '../../containers-conf.ts';
import { type ImageValue, imageOf, privateImageOf } from '../../image-value.ts';
import type { Fault } from '../../problem.ts';
import { storageOptions } from '../../store-options.ts';
import { type CommandPull, commandPull } from '../command-pull.ts';
import type { ContainerCommand } from '../read-command.ts';
import {
  type Findings,
  isForInstances,
  problemAt,
  type ServiceContext,
  type ServicePlace,
} from '../service-place.ts';
import type { Word } from '../words.ts';
import {
  archiveLoaded,
  archiveTaken,
  loadedFile,
  noArchive,
  referenceToArchive,
} from './archived-images.ts';
import { commandArtifacts } from './artifacts.ts';
import { builtImages } from './built-images.ts';
import { commandReference } from './command-reference.ts';
import { copiedImage } from './copied-image.ts';
import { namedImages } from './named-images.ts';
import { playedImages } from './played-images.ts';

/** Adds the images and OCI artifacts that one command for containers names. */
export async function commandImages(
  command: ContainerCommand,
  ignoresFailure: boolean,
  place: ServicePlace,
  context: ServiceContext,
  found: Findings,
): Promise<void> {
  const conf = command.program === 'podman' ? confOf(command, context) : {};
  const pull = pullOf(command, ignoresFailure, conf, place, context);
  append(found.references, commandArtifacts(command, pull, place));
  if (command.kind === 'build') {
    const built = builtImages(command, pull, place, context);
    append(found.references, built.references);
    append(found.problems, built.problems);
  } else if (command.kind === 'copy') {
    addCopied(command, pull, place, context, found);
  } else if (command.kind === 'load') {
    addLoaded(command, pull, place, found);
  } else if (command.kind === 'play') {
    await playedImages(command.rest, { ignoresFailure, pull }, place, context, found);
  }
  const { words, fault } = namedImages(command, conf);
  for (const word of words.slice(0, mostImages)) {
    addNamed(word, command, pull, place, context, found);
  }
  if (words.length > mostImages) found.problems.push(problemAt(place, tooManyImages));
  if (fault !== undefined) found.problems.push(problemAt(place, fault));
}

/** More images than any command names: a line of a megabyte could have half a million. */
const mostImages = 20_000;

const tooManyImages: Fault = {
  code: 'too-large',
  message: `expected at most ${mostImages} images in one command, found more`,
  hint: 'name fewer images; the others are ignored',
};

/** The settings of containers.conf for a command of podman, with the modules that its options name. */
function confOf({ options }: ContainerCommand, { containersConf }: ServiceContext): EngineSettings {
  return withModules(containersConf, modulesIn(options));
}

/** The pull options of a command, with the image stores that podman and buildah search. */
function pullOf(
  command: ContainerCommand,
  ignoresFailure: boolean,
  { pullPolicy }: EngineSettings,
  { directory }: ServicePlace,
  context: ServiceContext,
): CommandPull {
  const { etc } = context;
  const byDefault = pullPolicy?.policy;
  const pull = commandPull(command, { etc, ignoresFailure, directory, byDefault });
  if (command.program !== 'podman' && command.program !== 'buildah') return pull;
  const { additionalStores, faults } = storageOptions(command.options, context);
  return {
    options: { ...pull.options, ...(additionalStores === undefined ? {} : { additionalStores }) },
    faults: [...pull.faults, ...faults],
  };
}

/** Adds the image that `skopeo copy` brings into an engine. */
function addCopied(
  { rest: [source, target] }: ContainerCommand,
  pull: CommandPull,
  place: ServicePlace,
  { shortNames }: ServiceContext,
  found: Findings,
): void {
  const copied = copiedImage(source, target, shortNames);
  if (!copied.ok) {
    found.problems.push(problemAt(place, copied.fault));
    return;
  }
  const { word, archived } = copied;
  found.references.push(
    archived === undefined
      ? commandReference({ ...place.entry, raw: word.raw }, imageIn(word, shortNames), pull, place)
      : referenceToArchive(word.raw, archived, pull, place),
  );
}

/** Adds the images of the archive from which a command fills an engine. */
function addLoaded(
  command: ContainerCommand,
  pull: CommandPull,
  place: ServicePlace,
  { references, problems }: Findings,
): void {
  const file = loadedFile(command, place);
  if (file === undefined) problems.push(problemAt(place, noArchive));
  else {
    const archived = archiveLoaded(file, command, place);
    references.push(referenceToArchive(file.raw, archived, pull, place));
  }
}

function addNamed(
  word: Word,
  command: ContainerCommand,
  pull: CommandPull,
  place: ServicePlace,
  { shortNames }: ServiceContext,
  { references }: Findings,
): void {
  // A template itself never starts; words with its instance are read in its instances.
  if (word.fault !== undefined && isForInstances(place, word.raw)) return;
  const archived = archiveTaken(word, command);
  references.push(
    archived === undefined
      ? commandReference({ ...place.entry, raw: word.raw }, imageIn(word, shortNames), pull, place)
      : referenceToArchive(word.raw, archived, pull, place),
  );
}

function imageIn(
  { text, isPrivate, fault }: Word,
  shortNames: ServiceContext['shortNames'],
): ImageValue {
  if (fault !== undefined) return { ok: false, fault };
  return isPrivate ? privateImageOf(text, shortNames) : imageOf(text, shortNames);
}
