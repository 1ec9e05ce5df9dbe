import type { ProblemSubject } from '../../common/problem.ts';
import type { SystemdUnit } from '../../systemd/systemd-unit.ts';
import type { UnitEntry } from '../../systemd/unit-file.ts';
import { parseUnitName } from '../../systemd/unit-name.ts';
import type { Expander } from '../expander.ts';
import type { Fault, Problem } from '../problem.ts';
import type { Reference } from '../reference.ts';
import type { SourceContext } from '../source.ts';
import type { Scripts } from './scripts/scripts.ts';
import type { Word } from './words.ts';

export interface ServiceContext extends SourceContext {
  readonly expander: Expander;
  /** The scripts that services start. */
  readonly scripts: Scripts;
}

/** The place of one command: its service and the entry in the unit file. */
export interface ServicePlace {
  readonly unit: SystemdUnit;
  readonly subject: ProblemSubject;
  /** The working directory of the command, for relative paths; `/` if it is not known. */
  readonly directory: string;
  /** Why the working directory is not known. */
  readonly directoryFault?: Fault | undefined;
  /** Where the command finds programs by their names; absent for the default of systemd. */
  readonly searchPath?: string | undefined;
  readonly entry: UnitEntry;
  /** Whether the standard input of the command is the output of another one. */
  readonly isPiped?: boolean;
  /** The file that a shell gives the command as its standard input. */
  readonly inputFile?: Word | undefined;
}

/** The references and problems of one service, collected command by command. */
export interface Findings {
  readonly references: Reference[];
  readonly problems: Problem[];
}

/** The fields that all references of a service have in common. */
export function placeOf({
  unit,
  subject,
}: ServicePlace): Pick<
  Reference,
  'kind' | 'unit' | 'unitPath' | 'unitRealPath' | 'scope' | 'activation' | 'via' | 'bind'
> {
  return {
    kind: 'service',
    unit: unit.name,
    unitPath: unit.path,
    ...(unit.realPath === unit.path ? {} : { unitRealPath: unit.realPath }),
    scope: 'system',
    activation: 'unknown',
    via: [],
    ...(subject.bind === undefined ? {} : { bind: subject.bind }),
  };
}

/** A problem at the place of a command. */
export function problemAt(
  { entry, subject }: ServicePlace,
  { code, message, hint }: Fault,
): Problem {
  return { code, path: entry.path, line: entry.line, message, hint, subject };
}

/**
 * Whether a text of a template depends on the instance. A template itself never starts, so such a text
 * counts in the instances alone.
 */
export function isForInstances({ unit }: Pick<ServicePlace, 'unit'>, text: string): boolean {
  return parseUnitName(unit.name).instance === '' && /%[iIfjJ]/.test(text);
}

/** Why a path can't be found: it is relative, and the directory of the command is not known. */
export function pathFault({ directoryFault }: ServicePlace, path: string): Fault | undefined {
  return path.startsWith('/') ? undefined : directoryFault;
}
