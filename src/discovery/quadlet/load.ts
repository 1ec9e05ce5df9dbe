import { append } from '../../common/append.ts';
import { displayPath } from '../../common/path-bytes.ts';
import type { ProblemSubject } from '../../common/problem.ts';
import type { Root } from '../../root/root.ts';
import type { Etc } from '../../systemd/etc.ts';
import type { UnitEntry } from '../../systemd/unit-file.ts';
import type { Problem } from '../problem.ts';
import { bindSetting } from '../x-berth.ts';
import { DropInIndex } from './drop-ins.ts';
import { Budget, bytesPerEntry, tooMuch, unitReader } from './read-unit.ts';
import { serviceName } from './service-name.ts';
import { problemOfUnit, type QuadletUnit, type UnitType, unitTypeOf } from './unit.ts';
import type { UnitDirectory } from './walk.ts';

export interface LoadedUnits {
  /** The units by file name, in the order in which they were found, including masked units. */
  readonly units: ReadonlyMap<string, QuadletUnit>;
  /**
   * The path of each hidden unit file, with the path of the file of the same name that hides it.
   */
  readonly hidden: ReadonlyMap<string, string>;
  /** Units of which the generator makes no service, because a file beside them can't be parsed. */
  readonly lost: readonly LostUnit[];
  readonly problems: readonly Problem[];
}

export interface LostUnit {
  readonly unit: QuadletUnit;
  readonly problem: Problem;
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
 * ones even if it is empty, but not if it can't be parsed. A file that can't be parsed takes its whole
 * directory with it: the generator makes no service of its neighbours, which hide later files all the
 * same.
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
  const beside: { readonly candidate: Candidate; readonly broken: Problem }[] = [];
  const firstPaths = new Map<string, string>();
  for (const directory of directories) {
    const own: Candidate[] = [];
    let broken: Problem | undefined;
    for (const { name } of directory.entries) {
      const type = unitTypeOf(name);
      if (type === undefined) continue;
      const path = `${directory.path}/${name}`;
      const first = firstPaths.get(name);
      if (first !== undefined) {
        hidden.set(path, first);
        continue;
      }
      const text = read(path, type);
      if (text.ok) {
        firstPaths.set(name, path);
        own.push({ name, type, path, ...text });
        continue;
      }
      const problem = { ...text.problem, subject: subjectByName(path, name, type) };
      problems.push(problem);
      if (breaking.has(problem.code)) broken ??= problem;
    }
    for (const candidate of own) {
      if (broken === undefined) candidates.set(candidate.name, candidate);
      else beside.push({ candidate, broken });
    }
  }
  const dropIns = new DropInIndex(root, etc, directories, read);
  const units = new Map<string, QuadletUnit>();
  const merged = (candidate: Candidate): QuadletUnit | undefined => {
    const { name, type, path, realPath } = candidate;
    const added = dropIns.of(name, type, () => subjectByName(path, name, type));
    append(problems, added.problems);
    if (!budget.spend(bytesPerEntry * added.entries.length)) {
      problems.push({ ...tooMuch(path), subject: subjectByName(path, name, type) });
      return undefined;
    }
    const entries =
      added.entries.length === 0 ? candidate.entries : [...candidate.entries, ...added.entries];
    const service = serviceName(name, type, entries);
    const bind = bindSetting(entries);
    const masked = candidate.empty && added.empty;
    return {
      name,
      type,
      path,
      realPath,
      entries,
      masked,
      service,
      ...(bind === undefined ? {} : { bind }),
    };
  };
  for (const candidate of candidates.values()) {
    const unit = merged(candidate);
    if (unit !== undefined) units.set(unit.name, unit);
  }
  const lost = beside.flatMap(({ candidate, broken }) => {
    const unit = merged(candidate);
    return unit === undefined ? [] : [{ unit, problem: besideBroken(unit, broken) }];
  });
  return { units, hidden, lost, problems };
}

/** The problems with which the generator gives up the directory of a file. */
const breaking: ReadonlySet<string> = new Set([
  'dangling-link',
  'not-a-file',
  'syntax',
  'too-many-links',
]);

function besideBroken(unit: QuadletUnit, { path: broken, line }: Problem): Problem {
  const place = line === undefined ? displayPath(broken) : `${displayPath(broken)}:${line}`;
  return problemOfUnit(unit, undefined, {
    code: 'syntax',
    message: `expected a directory of files that podman's generator can read, found ${place} beside the unit; the generator then makes no service of any file in the directory`,
    hint: `correct ${displayPath(broken)}, or remove it`,
  });
}

function subjectByName(unitPath: string, name: string, type: UnitType): ProblemSubject {
  return { unitPath, unit: serviceName(name, type, []) };
}
