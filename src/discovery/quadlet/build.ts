import { posix } from 'node:path';
import type { ShortNames } from '../../image/short-names.ts';
import { flag, list, scalar } from '../../systemd/lookup.ts';
import type { UnitEntry } from '../../systemd/unit-file.ts';
import type { Problem } from '../problem.ts';
import type { Found } from '../source.ts';
import { readArguments } from './arguments.ts';
import { type BaseReader, baseReferences } from './base-references.ts';
import { type CitedFile, citedFile, citedPath, type FileContext, isRemote } from './files.ts';
import { containerPull, type Pull } from './pull-options.ts';
import { isSet } from './refusal/refused.ts';
import type { QuadletUnit } from './unit.ts';

export interface BuildContext extends FileContext {
  readonly bases: BaseReader;
  readonly shortNames: ShortNames;
  readonly additionalStores?: readonly string[];
}

/**
 * Finds the base images of the image that a `.build` unit builds.
 *
 * @param forUnit the unit that the references belong to: `build` itself, or a unit that uses the
 *   built image.
 */
export function buildImages(
  build: QuadletUnit,
  forUnit: QuadletUnit,
  context: BuildContext,
): Found {
  const file = containerfile(build, context);
  if (!file.ok) return { references: [], problems: [problemFor(file.problem, forUnit)] };
  const given = readArguments(build, context);
  const values = (name: string) =>
    given.options.flatMap((option) => (option.name === name ? [option.value?.text ?? ''] : []));
  const ownArgs = list(build.entries, 'Build', 'BuildArg').map(({ value }) => value);
  const target = values('target').at(-1) ?? scalar(build.entries, 'Build', 'Target')?.value;
  const bases = context.bases.read(file, {
    buildArgs: new Map([...ownArgs, ...values('build-arg')].flatMap(assignment)),
    contexts: new Map(values('build-context').flatMap(assignment).map(contextImage)),
    ...(target ? { target } : {}),
  });
  const pull = pullOf(build, context);
  const options = { ...pull.options, ...given.pull };
  const found = baseReferences(forUnit, bases, options, context.shortNames);
  const others = [...pull.problems, ...given.pullProblems, ...given.unitProblems];
  return {
    references: found.references,
    problems: [...found.problems, ...others.map((problem) => problemFor(problem, forUnit))],
  };
}

function assignment(text: string): [string, string][] {
  const equals = text.indexOf('=');
  return equals <= 0 ? [] : [[text.slice(0, equals), text.slice(equals + 1)]];
}

/**
 * The image of a build context; undefined for other contexts.
 *
 * Source: podman-build(1), `--build-context`.
 */
function contextImage([name, value]: [string, string]): [string, string | undefined] {
  const image = /^(?:docker-image|container-image|docker):\/\/(.+)$/.exec(value)?.[1];
  return [name, image];
}

/**
 * The Containerfile of a `.build` unit.
 *
 * Source: podman 6, pkg/systemd/quadlet/quadlet.go, `ConvertBuild`.
 */
function containerfile(build: QuadletUnit, context: BuildContext): CitedFile {
  const { etc, root } = context;
  const file = scalar(build.entries, 'Build', 'File');
  const setting = scalar(build.entries, 'Build', 'SetWorkingDirectory');
  const directory = workingDirectory(build, setting, file, context);
  if (setting !== undefined && isRemote(setting.value)) return citedFile(build, setting, context);
  if (isSet(file)) return citedFile(build, file, context, directory);
  const at: UnitEntry = setting ?? {
    group: 'Build',
    key: 'File',
    value: '',
    path: build.path,
    line: 1,
  };
  const names = ['Containerfile', 'Dockerfile'].map((name) => posix.join(directory, name));
  const there = names.find((path) => exists(path)) ?? names[0] ?? directory;
  return citedFile(
    build,
    { ...at, value: etc === '/usr/etc' ? there.replace(/^\/usr\/etc\//, '/etc/') : there },
    context,
  );

  function exists(path: string): boolean {
    try {
      return root.lookup(path)?.kind === 'file';
    } catch {
      // Reading the file later fails with the same error, which is reported there.
      return true;
    }
  }
}

function workingDirectory(
  build: QuadletUnit,
  setting: UnitEntry | undefined,
  file: UnitEntry | undefined,
  { etc }: BuildContext,
): string {
  const unit = posix.dirname(build.path);
  switch (setting?.value.toLowerCase() ?? '') {
    case '':
    case 'unit':
      return unit;
    case 'file':
      return posix.dirname(citedPath(build, file?.value ?? '', etc));
    default:
      return citedPath(build, setting?.value ?? '', etc);
  }
}

function pullOf(build: QuadletUnit, context: BuildContext): Pull {
  const text = (key: string) => {
    const value = scalar(build.entries, 'Build', key)?.value;
    return value === '' ? undefined : value;
  };
  const [arch, variant, authFile] = [text('Arch'), text('Variant'), text('AuthFile')];
  const tlsVerify = flag(build.entries, 'Build', 'TLSVerify');
  return containerPull(build, context, {
    policy: 'missing',
    ...(arch === undefined ? {} : { arch }),
    ...(variant === undefined ? {} : { variant }),
    ...(authFile === undefined ? {} : { authFile: citedPath(build, authFile, context.etc) }),
    ...(tlsVerify === undefined ? {} : { tlsVerify }),
  });
}

function problemFor(problem: Problem, unit: QuadletUnit): Problem {
  const bind = unit.bind === undefined ? {} : { bind: unit.bind };
  return { ...problem, subject: { unitPath: unit.path, unit: unit.service, ...bind } };
}
