import { append } from '../../common/append.ts';
import type { ProblemSubject } from '../../common/problem.ts';
import type { Root } from '../../root/root.ts';
import type { Etc } from '../../systemd/etc.ts';
import type { UnitEntry } from '../../systemd/unit-file.ts';
import type { Problem } from '../problem.ts';
import { bindSetting } from '../x-berth.ts';
import { DropInIndex } from './drop-ins.ts';
import { Budget, bytesPerEntry, tooMuch, unitReader } from './read-unit.ts';
import { serviceName } from './service-name.ts';
import { type QuadletUnit, type UnitType, unitTypeOf } from './unit.ts';
import type { UnitDirectory } from './walk.ts';

export interface LoadedUnits {
  /** The units by file name, in the order in which they were found, including masked units. */
  readonly units: ReadonlyMap<string, QuadletUnit>;
  /**
   * The path of each hidden unit file, with the path of the file of the same name that hides it.
   */
  readonly hidden: ReadonlyMap<string, string>;
  readonly problems: readonly Problem[];
}

interface Candidate {
  readonly name: string;
  readonly type: UnitType;
  readonly path: string;
  readonly realPath: string;
  readonly entries: readonly UnitEntry[];
  readonly empty: boolean;
}

/**
 * Reads all units in the directories, with their drop-ins. The first file of a name hides later
 * ones even if it is empty, but not if it can't be parsed.
 *
 * Source: podman, cmd/quadlet/main.go, `loadUnitsFromDir`.
 */
export function loadUnits(
  root: Root,
  etc: Etc,
  directories: readonly UnitDirectory[],
): LoadedUnits {
  const budget = new Budget();
  const read = unitReader(root, etc, budget);
  const problems: Problem[] = [];
  const candidates = new Map<string, Candidate>();
  const hidden = new Map<string, string>();
  for (const directory of directories) {
    for (const { name } of directory.entries) {
      const type = unitTypeOf(name);
      if (type === undefined) continue;
      const path = `${directory.path}/${name}`;
      const first = candidates.get(name);
      if (first !== undefined) {
        hidden.set(path, first.path);
        continue;
      }
      const text = read(path, type);
      if (text.ok) candidates.set(name, { name, type, path, ...text });
      else problems.push({ ...text.problem, subject: subjectByName(path, name, type) });
    }
  }
  const dropIns = new DropInIndex(root, etc, directories, read);
  const units = new Map<string, QuadletUnit>();
  for (const candidate of candidates.values()) {
    const { name, type, path, realPath } = candidate;
    const directory = realPath.slice(0, realPath.lastIndexOf('/'));
    const added = dropIns.of(name, type, directory, subjectByName(path, name, type));
    append(problems, added.problems);
    if (!budget.spend(bytesPerEntry * added.entries.length)) {
      problems.push({ ...tooMuch(path), subject: subjectByName(path, name, type) });
      continue;
    }
    const entries =
      added.entries.length === 0 ? candidate.entries : [...candidate.entries, ...added.entries];
    const service = serviceName(name, type, entries);
    const bind = bindSetting(entries);
    units.set(name, {
      name,
      type,
      path,
      realPath,
      entries,
      masked: candidate.empty && added.empty,
      service,
      ...(bind === undefined ? {} : { bind }),
    });
  }
  return { units, hidden, problems };
}

function subjectByName(unitPath: string, name: string, type: UnitType): ProblemSubject {
  return { unitPath, unit: serviceName(name, type, []) };
}
