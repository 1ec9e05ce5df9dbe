import { posix } from 'node:path';
import type { ShortNames } from '../../image/short-names.ts';
import type { Problem } from '../../problem.ts';
import { flag, list, scalar } from '../../systemd/lookup.ts';
import type { UnitEntry } from '../../systemd/unit-file.ts';
import type { PullOptions } from '../reference.ts';
import type { Found } from '../source.ts';
import { type BaseReader, baseReferences } from './base-references.ts';
import { type CitedFile, citedFile, citedPath, type FileContext } from './files.ts';
import { isSet } from './refused.ts';
import type { QuadletUnit } from './unit.ts';

export interface BuildContext extends FileContext {
  readonly bases: BaseReader;
  readonly shortNames: ShortNames;
}

/**
 * The base images of what a `.build` unit makes.
 *
 * @param forUnit whose references they are: the unit itself, or one whose image it makes.
 */
export function buildImages(
  build: QuadletUnit,
  forUnit: QuadletUnit,
  context: BuildContext,
): Found {
  const file = containerfile(build, context);
  if (!file.ok) return { references: [], problems: [ofUnit(file.problem, forUnit)] };
  const buildArgs = new Map(
    list(build.entries, 'Build', 'BuildArg').flatMap(({ value }): [string, string][] => {
      const equals = value.indexOf('=');
      return equals <= 0 ? [] : [[value.slice(0, equals), value.slice(equals + 1)]];
    }),
  );
  const target = scalar(build.entries, 'Build', 'Target')?.value;
  const bases = context.bases.read(file, { buildArgs, ...(target ? { target } : {}) });
  return baseReferences(forUnit, bases, pullOf(build, context), context.shortNames);
}

/** Source: podman 6, pkg/systemd/quadlet/quadlet.go, `ConvertBuild`. */
function containerfile(build: QuadletUnit, context: BuildContext): CitedFile {
  const { etc, root } = context;
  const file = scalar(build.entries, 'Build', 'File');
  const setting = scalar(build.entries, 'Build', 'SetWorkingDirectory');
  const directory = workingDirectory(build, setting, file, context);
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
      // Reading it meets the same error, and reports it.
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

function pullOf(build: QuadletUnit, { etc }: BuildContext): PullOptions {
  const text = (key: string) => {
    const value = scalar(build.entries, 'Build', key)?.value;
    return value === '' ? undefined : value;
  };
  const [arch, variant, authFile] = [text('Arch'), text('Variant'), text('AuthFile')];
  const tlsVerify = flag(build.entries, 'Build', 'TLSVerify');
  return {
    policy: text('Pull') === 'never' ? 'never' : 'missing',
    ...(arch === undefined ? {} : { arch }),
    ...(variant === undefined ? {} : { variant }),
    ...(authFile === undefined ? {} : { authFile: citedPath(build, authFile, etc) }),
    ...(tlsVerify === undefined ? {} : { tlsVerify }),
  };
}

function ofUnit(problem: Problem, unit: QuadletUnit): Problem {
  const bind = unit.bind === undefined ? {} : { bind: unit.bind };
  return { ...problem, subject: { unitPath: unit.path, unit: unit.service, ...bind } };
}
