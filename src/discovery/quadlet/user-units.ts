import type { Problem } from '../../problem.ts';
import { displayPath } from '../../root/names.ts';
import type { Root } from '../../root/root.ts';
import type { Etc } from '../../systemd/etc.ts';
import { scalar } from '../../systemd/lookup.ts';
import { bindSetting } from './load.ts';
import { Budget, unitReader } from './read-unit.ts';
import { serviceName } from './service-name.ts';
import { problemOfUnit, type QuadletUnit, unitTypeOf } from './unit.ts';
import { walkUnitDirectories } from './walk.ts';

/** The units of users, which berth does not read yet: a problem for each that may name an image. */
export function userUnitProblems(
  root: Root,
  etc: Etc,
  directories: readonly string[],
): readonly Problem[] {
  const walk = walkUnitDirectories(root, etc, directories, () => false);
  const read = unitReader(root, etc, new Budget());
  const problems: Problem[] = [...walk.problems];
  for (const directory of walk.directories) {
    for (const { name } of directory.entries) {
      const type = unitTypeOf(name);
      if (type === undefined) continue;
      const path = `${directory.path}/${name}`;
      const text = read(path, type);
      const entries = text.ok ? text.entries : [];
      const bind = bindSetting(entries);
      const unit: QuadletUnit = {
        name,
        type,
        path,
        realPath: text.ok ? text.realPath : path,
        service: serviceName(name, type, entries),
        entries,
        masked: text.ok && text.empty,
        ...(bind === undefined ? {} : { bind }),
      };
      if (!text.ok) problems.push({ ...problemOfUnit(unit, undefined, text.problem), path });
      else if (mayNameImage(unit)) problems.push(problemOfUnit(unit, undefined, notRead(path)));
    }
  }
  return problems;
}

function mayNameImage(unit: QuadletUnit): boolean {
  if (unit.masked) return false;
  switch (unit.type) {
    case 'network':
      return false;
    case 'pod':
      return scalar(unit.entries, 'Pod', 'PodmanArgs') !== undefined;
    case 'volume':
      return scalar(unit.entries, 'Volume', 'Driver')?.value === 'image';
    case 'artifact':
    case 'build':
    case 'container':
    case 'image':
    case 'kube':
      return true;
  }
}

function notRead(path: string) {
  const also = path.startsWith('/usr/share/')
    ? '; mind that podman starts what lies there for the system, too'
    : '';
  return {
    code: 'not-read-yet',
    message: `expected a unit of the system, found one of users (${displayPath(path)}), which berth does not read yet${also}`,
    hint: 'put a unit that the system is to run directly below containers/systemd',
  };
}
