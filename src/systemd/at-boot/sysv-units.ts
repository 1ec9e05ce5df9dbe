import { type Root, RootError } from '../../root/root.ts';
import { type Etc, followed, whereInTree } from '../etc.ts';
import type { GeneratedUnit } from '../systemd-unit.ts';
import type { UnitEntry } from '../unit-file.ts';
import { unitSearchPath } from '../unit-search-path.ts';

/** More scripts than any OS has. */
const mostScripts = 1_000;
/** The runlevels in which a script is started, with the target that stands for each. */
const targets = [
  ['rc2.d', 'multi-user.target'],
  ['rc3.d', 'multi-user.target'],
  ['rc4.d', 'multi-user.target'],
  ['rc5.d', 'graphical.target'],
] as const;
const generator = 'systemd-sysv-generator';

/**
 * The services that systemd makes from the scripts in `/etc/init.d`. systemd ignores scripts that are not executable;
 * berth does not check that.
 *
 * Source: systemd-sysv-generator(8) and its code in systemd 257.
 *
 * @param others the names of units that other generators make.
 */
export function sysvUnits(
  root: Root,
  etc: Etc,
  others: Iterable<string>,
): readonly GeneratedUnit[] {
  const directory = ['/etc/init.d', '/etc/rc.d/init.d'].find(
    (path) => listed(root, etc, path).length > 0,
  );
  if (directory === undefined || !hasGenerator(root, etc)) return [];
  const taken = new Set(others);
  const own = unitSearchPath(etc, 'system').filter((path) => !path.includes('generator'));
  const isNative = (unit: string) =>
    taken.has(unit) || own.some((path) => isThere(root, `${path}/${unit}`));
  return listed(root, etc, directory)
    .slice(0, mostScripts)
    .flatMap((script) => {
      const unit = `${script.replace(/\.sh$/, '')}.service`;
      return isNative(unit)
        ? []
        : [unitOf(`${directory}/${script}`, unit, linksOf(root, etc, script, unit))];
    });
}

function unitOf(script: string, name: string, links: readonly string[]): GeneratedUnit {
  const entry = (key: string, value: string): UnitEntry => ({
    group: 'Service',
    key,
    value,
    path: script,
    line: 1,
  });
  const entries = [
    entry('Type', 'forking'),
    entry('ExecStart', `${script} start`),
    entry('ExecStop', `${script} stop`),
  ];
  return { name, path: script, realPath: script, entries, links };
}

/** The links of targets that start a script: `/etc/rc3.d/S20app`. */
function linksOf(root: Root, etc: Etc, script: string, unit: string): readonly string[] {
  const isStart = (name: string) => /^S\d\d/.test(name) && name.slice(3) === script;
  const found = targets.filter(([level]) =>
    [`/etc/${level}`, `/etc/rc.d/${level}`].some((path) => listed(root, etc, path).some(isStart)),
  );
  return [...new Set(found.map(([, target]) => `${target}.wants/${unit}`))];
}

/** Whether the OS has the generator: later versions of systemd do not. */
function hasGenerator(root: Root, etc: Etc): boolean {
  const generators = listed(root, etc, '/usr/lib/systemd/system-generators');
  return generators.length === 0 || generators.includes(generator);
}

function listed(root: Root, etc: Etc, path: string): readonly string[] {
  try {
    const entries = root.list(followed(root, etc, whereInTree(etc, path))) ?? [];
    return entries
      .filter(({ name, kind }) => kind !== 'directory' && !name.startsWith('.'))
      .map(({ name }) => name);
  } catch (error) {
    // A directory that others may write is no part of the OS.
    if (error instanceof RootError) return [];
    throw error;
  }
}

function isThere(root: Root, path: string): boolean {
  try {
    return root.lookup(path) !== undefined || root.readLink(path) !== undefined;
  } catch (error) {
    if (error instanceof RootError) return true;
    throw error;
  }
}
