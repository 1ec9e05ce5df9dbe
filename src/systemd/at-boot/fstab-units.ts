import { type Root, RootError } from '../../root/root.ts';
import { type Etc, followed } from '../etc.ts';
import type { GeneratedUnit } from '../systemd-unit.ts';
import { isUnitName } from '../unit-alias.ts';
import type { UnitEntry } from '../unit-file.ts';
import { escapePath } from '../unit-name.ts';

/**
 * The mounts of fstab that start units, or that units start: those with an option such as
 * `x-systemd.requires=`. All others have nothing to do with services.
 *
 * Source: systemd.mount(5), "fstab"; compared with systemd-fstab-generator 252 and 257.
 */
export function fstabUnits(root: Root, etc: Etc): readonly GeneratedUnit[] {
  const path = `${etc}/fstab`;
  return textOf(root, etc, path)
    .split('\n')
    .flatMap((text, index) => {
      if (!text.includes('x-systemd.') || text.trimStart().startsWith('#')) return [];
      return unitsOf(text.trim().split(/[ \t]+/), path, index + 1);
    });
}

function textOf(root: Root, etc: Etc, path: string): string {
  try {
    return root.readFile(followed(root, etc, path))?.content.toString() ?? '';
  } catch (error) {
    // A file that others may write is no part of the OS.
    if (error instanceof RootError) return '';
    throw error;
  }
}

function unitsOf(
  [, where = '', type = '', written = '']: readonly string[],
  path: string,
  line: number,
): readonly GeneratedUnit[] {
  const place = where.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
  if (!place.startsWith('/') || type === 'swap') return [];
  const options = written.split(',');
  const valuesOf = (name: string) =>
    options.flatMap((option) =>
      option.startsWith(`x-systemd.${name}=`) ? [option.slice(option.indexOf('=') + 1)] : [],
    );
  const entries = dependencies.flatMap(([option, key]) =>
    valuesOf(option)
      .filter(isUnitName)
      .map((value): UnitEntry => ({ group: 'Unit', key, value, path, line })),
  );
  const bare = escapePath(place);
  const isAutomatic = options.includes('x-systemd.automount');
  const started = `${bare}.${isAutomatic ? 'automount' : 'mount'}`;
  const named = [
    ...valuesOf('wanted-by').map((unit) => `${unit}.wants/${started}`),
    ...valuesOf('required-by').map((unit) => `${unit}.requires/${started}`),
  ];
  const isLeftOut = options.includes('noauto') && !isAutomatic;
  const links = named.length > 0 || isLeftOut ? named : [`local-fs.target.requires/${started}`];
  const unit = { path, realPath: path };
  const mount = { ...unit, name: `${bare}.mount`, entries, links: isAutomatic ? [] : links };
  return isAutomatic ? [mount, { ...unit, name: started, entries: [], links }] : [mount];
}

const dependencies = [
  ['requires', 'Requires'],
  ['wants', 'Wants'],
] as const;
