import { posix } from 'node:path';
import { RootError } from '../../../root/root.ts';
import { followed, whereInTree } from '../../../systemd/etc.ts';
import { citedBases } from '../../cited/bases.ts';
import { type CitedText, citedText } from '../../cited/text.ts';
import { imageOf } from '../../image-value.ts';
import type { Fault } from '../../problem.ts';
import type { PullOptions } from '../../reference.ts';
import type { Found } from '../../source.ts';
import type { CommandPull } from '../command-pull.ts';
import type { ContainerCommand } from '../read-command.ts';
import { pathFault, problemAt, type ServiceContext, type ServicePlace } from '../service-place.ts';
import type { Option } from '../split-options.ts';
import type { Word } from '../words.ts';
import { commandReference } from './command-reference.ts';

/** The base images of the image that a command of podman, docker or buildah builds. */
export function builtImages(
  { options, rest }: ContainerCommand,
  pull: CommandPull,
  place: ServicePlace,
  context: ServiceContext,
): Found {
  const found = containerfile(rest[0], options, place, context);
  if ('fault' in found) return { references: [], problems: [problemAt(place, found.fault)] };
  const { path, file } = found;
  const { architecture, allowance, shortNames } = context;
  const target = valuesOf('target', options).at(-1);
  const read = citedBases(file, {
    architecture,
    allowance,
    buildArgs: new Map(valuesOf('build-arg', options).flatMap(assignment)),
    contexts: new Map(valuesOf('build-context', options).flatMap(assignment).map(contextImage)),
    ...(target ? { target } : {}),
  });
  const { subject } = place;
  return {
    references: read.images.map(({ raw, line, platform }) => {
      const own = { options: forPlatform(pull.options, platform), faults: pull.faults };
      const image = imageOf(raw, shortNames);
      return commandReference({ raw, path, line, key: 'FROM' }, image, own, place);
    }),
    problems: read.faults.map(({ line = 1, ...fault }) => ({ ...fault, path, line, subject })),
  };
}

function forPlatform(options: PullOptions, platform: string | undefined): PullOptions {
  const [os, arch, variant] = platform?.split('/') ?? [];
  return {
    ...options,
    ...(os === undefined || arch === undefined ? {} : { os, arch }),
    ...(variant === undefined ? {} : { variant }),
  };
}

function valuesOf(name: string, options: readonly Option[]): readonly string[] {
  return options.flatMap((option) => (option.name === name ? [option.value?.text ?? ''] : []));
}

type Containerfile =
  | { readonly path: string; readonly file: CitedText }
  | { readonly fault: Fault };

/** The file that a command builds: that of `--file`, or the first usual one of the directory. */
function containerfile(
  directory: Word | undefined,
  options: readonly Option[],
  place: ServicePlace,
  context: ServiceContext,
): Containerfile {
  const file = options.findLast(({ name }) => name === 'file')?.value;
  const fault =
    directory?.fault ?? file?.fault ?? pathFault(place, (file ?? directory)?.text ?? '.');
  if (fault !== undefined) return { fault };
  if (directory !== undefined && /^(?:https?|git|ssh):|^git@|^-$|\.git$/.test(directory.text)) {
    return { fault: noFile(directory.text) };
  }
  const at = posix.resolve(place.directory, directory?.text ?? '.');
  return firstFile(
    file === undefined
      ? names.map((name) => `${at}/${name}`)
      : [posix.resolve(place.directory, file.text)],
    context,
  );
}

const names = ['Containerfile', 'Dockerfile'];

function firstFile(
  paths: readonly string[],
  { root, etc, allowance }: ServiceContext,
): Containerfile {
  try {
    for (const booted of paths) {
      const path = whereInTree(etc, booted);
      const file = citedText(root, followed(root, etc, path), allowance);
      if (file !== undefined) return { path, file };
    }
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    return { fault: { code: error.code, message: error.message, hint: error.hint } };
  }
  return { fault: noFile(paths[0] ?? '') };
}

function assignment(text: string): [string, string][] {
  const equals = text.indexOf('=');
  return equals <= 0 ? [] : [[text.slice(0, equals), text.slice(equals + 1)]];
}

function contextImage([name, value]: [string, string]): [string, string | undefined] {
  return [name, /^(?:docker-image|container-image|docker):\/\/(.+)$/.exec(value)?.[1]];
}

function noFile(found: string): Fault {
  return {
    code: 'command-line',
    message: `expected a Containerfile of the root to build, found ${found}, which is not one`,
    hint: 'ship the file in the root, or leave the unit unbound',
  };
}
