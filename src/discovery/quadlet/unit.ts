import type { ProblemSubject } from '../../common/problem.ts';
import type { UnitEntry } from '../../systemd/unit-file.ts';
import type { ExpandedUnit } from '../expander.ts';
import type { Fault, Problem } from '../problem.ts';

export type UnitType =
  | 'artifact'
  | 'build'
  | 'container'
  | 'image'
  | 'kube'
  | 'network'
  | 'pod'
  | 'volume';

/** A Quadlet file that podman's generator would read, with its drop-ins merged in. */
export interface QuadletUnit {
  /** The file's name, by which other units refer to it: `app.container`. */
  readonly name: string;
  readonly type: UnitType;
  /** The file in the root, links not followed. */
  readonly path: string;
  /** `path` with all links followed. */
  readonly realPath: string;
  /** The service that the unit becomes: `app.service`. */
  readonly service: string;
  /** The value of `[X-Berth] Bind=`, if it is set and valid. */
  readonly bind?: boolean;
  /**
   * Whether the unit is switched off by an empty file or a link to `/dev/null`, without drop-ins.
   */
  readonly masked: boolean;
  /**
   * The assignments of the service as systemd loads it, if drop-ins of the service add to what
   * podman's generator makes of the unit.
   */
  readonly loaded?: readonly UnitEntry[];
  /** The unit's assignments, then those of its drop-ins; only keys that berth reads are kept. */
  readonly entries: readonly UnitEntry[];
}

/** The parts of a unit's service on which its specifiers and variables depend. */
export function serviceOf({ service, loaded, entries }: QuadletUnit): ExpandedUnit {
  return { service, entries: loaded ?? entries };
}

/** The section of each type that Quadlet reads; the other sections are systemd's. */
export const sectionOf: Readonly<Record<UnitType, string>> = {
  artifact: 'Artifact',
  build: 'Build',
  container: 'Container',
  image: 'Image',
  kube: 'Kube',
  network: 'Network',
  pod: 'Pod',
  volume: 'Volume',
};

/** The type of a unit file by its name; undefined if it is not one of Quadlet's. */
export function unitTypeOf(fileName: string): UnitType | undefined {
  switch (fileName.slice(fileName.lastIndexOf('.') + 1)) {
    case 'container':
      return 'container';
    case 'image':
      return 'image';
    case 'volume':
      return 'volume';
    case 'network':
      return 'network';
    case 'pod':
      return 'pod';
    case 'kube':
      return 'kube';
    case 'build':
      return 'build';
    case 'artifact':
      return 'artifact';
    default:
      return undefined;
  }
}

/** The subject of a problem with the unit. */
export function subjectOf(unit: QuadletUnit): ProblemSubject {
  return {
    unitPath: unit.path,
    unit: unit.service,
    ...(unit.bind === undefined ? {} : { bind: unit.bind }),
  };
}

/** A problem of a unit, at an entry or with the file as a whole. */
export function problemOfUnit(
  unit: QuadletUnit,
  entry: UnitEntry | undefined,
  { code, message, hint }: Fault,
): Problem {
  return {
    code,
    path: entry?.path ?? unit.path,
    ...(entry === undefined ? {} : { line: entry.line }),
    message,
    hint,
    subject: subjectOf(unit),
  };
}
