import type { ProblemSubject } from '../../common/problem.ts';
import type { UnitEntry } from '../../systemd/unit-file.ts';
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

/** A Quadlet file that podman's generator would read, its drop-ins merged in. */
export interface QuadletUnit {
  /** The file's name, by which other units refer to it: `app.container`. */
  readonly name: string;
  readonly type: UnitType;
  /** The file in the root, its links not followed. */
  readonly path: string;
  /** Where `path` leads. */
  readonly realPath: string;
  /** The service that it becomes: `app.service`. */
  readonly service: string;
  /** `[X-Berth] Bind=`. */
  readonly bind?: boolean;
  /** An empty file, or a link to `/dev/null`, without drop-ins: somebody wants the unit away. */
  readonly masked: boolean;
  /** The unit's assignments, then those of its drop-ins; only such as berth reads. */
  readonly entries: readonly UnitEntry[];
}

/** The section of a type that Quadlet reads; the others are systemd's. */
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

/** The type that a file's name says, if it is one of Quadlet's. */
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

export function subjectOf(unit: QuadletUnit): ProblemSubject {
  return {
    unitPath: unit.path,
    unit: unit.service,
    ...(unit.bind === undefined ? {} : { bind: unit.bind }),
  };
}

/** A problem of a unit: at an entry, or with the file as a whole. */
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
