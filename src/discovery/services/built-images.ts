import { posix } from 'node:path';
import { RootError } from '../../root/root.ts';
import { followed, whereInTree } from '../../systemd/etc.ts';
import { baseImages } from '../containerfile/base-images.ts';
import { imageOf } from '../image-value.ts';
import type { Fault } from '../problem.ts';
import type { Found } from '../source.ts';
import type { CommandPull } from './command-pull.ts';
import type { ContainerCommand } from './programs.ts';
import { placeOf, problemAt, type ServiceContext, type ServicePlace } from './service-place.ts';

/** The base images of the image that a command of podman, docker or buildah builds. */
export function builtImages(
  { options, rest }: ContainerCommand,
  pull: CommandPull,
  place: ServicePlace,
  context: ServiceContext,
): Found {
  const failed = (fault: Fault): Found => ({ references: [], problems: [problemAt(place, fault)] });
  const values = (name: string) =>
    options.flatMap((option) => (option.name === name ? [option.value?.text ?? ''] : []));
  const [directory] = rest;
  const file = options.findLast(({ name }) => name === 'file')?.value;
  const fault = directory?.fault ?? file?.fault;
  if (fault !== undefined) return failed(fault);
  if (directory !== undefined && /^(?:https?|git|ssh):|^git@|^-$|\.git$/.test(directory.text)) {
    return failed(noFile(directory.text));
  }
  const at = posix.resolve(place.directory, directory?.text ?? '.');
  const paths = file
    ? [posix.resolve(place.directory, file.text)]
    : names.map((name) => `${at}/${name}`);
  const found = firstFile(paths, context);
  if ('fault' in found) return failed(found.fault);
  const { architecture, allowance, shortNames } = context;
  const target = values('target').at(-1);
  const read = baseImages(found.text, {
    architecture,
    allowance,
    buildArgs: new Map(values('build-arg').flatMap(assignment)),
    contexts: new Map(values('build-context').flatMap(assignment).map(contextImage)),
    ...(target ? { target } : {}),
  });
  const { subject } = place;
  return {
    references: read.images.map(({ raw, line, platform }) => {
      const image = imageOf(raw, shortNames);
      const [os, arch, variant] = platform?.split('/') ?? [];
      const faults = [...(image.ok ? [] : [image.fault]), ...pull.faults];
      return {
        ...placeOf(place),
        raw,
        path: found.path,
        line,
        key: 'FROM',
        ...(image.ok ? { image: image.image } : {}),
        pull: {
          ...pull.options,
          ...(os === undefined || arch === undefined ? {} : { os, arch }),
          ...(variant === undefined ? {} : { variant }),
        },
        problems: faults.map((one) => ({ ...one, path: found.path, line, subject })),
      };
    }),
    problems: read.faults.map(({ line = 1, ...one }) => ({
      ...one,
      path: found.path,
      line,
      subject,
    })),
  };
}

const names = ['Containerfile', 'Dockerfile'];

function firstFile(
  paths: readonly string[],
  { root, etc }: ServiceContext,
): { readonly path: string; readonly text: string } | { readonly fault: Fault } {
  try {
    for (const booted of paths) {
      const path = whereInTree(etc, booted);
      const text = root.readFile(followed(root, etc, path))?.content.toString();
      if (text !== undefined) return { path, text };
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
