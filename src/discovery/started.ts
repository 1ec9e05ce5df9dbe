import type { BootGraph, Start } from '../systemd/graph/boot-graph.ts';
import type { ServiceRefusal } from '../systemd/refusal/service-refusal.ts';
import type { Problem } from './problem.ts';
import type { Reference } from './reference.ts';

/**
 * Fills in how a reference's unit starts. References that belong to no service or socket stay as they are.
 */
export function started(reference: Reference, startOf: BootGraph['startOf']): Reference {
  const { activation, unit, problems } = reference;
  if (activation !== 'unknown' || !isStarted(unit)) return reference;
  const { activation: how, via, conditions, refusal, unmet } = startOf(unit);
  const isRefused = refusal !== undefined || unmet !== undefined;
  const all = isRefused ? [...whyNever(reference, refusal, unmet), ...problems] : problems;
  return {
    ...reference,
    activation: how,
    via,
    problems: all.length === 0 ? none : all.map((problem) => startedSubject(problem, startOf)),
    ...(conditions.length === 0 ? {} : { conditions }),
  };
}

/** Whether a unit is one of systemd's that has commands. */
function isStarted(unit: string): boolean {
  return unit.endsWith('.service') || unit.endsWith('.socket');
}

/** Most references have no problem, and an array for each would take memory. */
const none: readonly Problem[] = [];

function whyNever(
  reference: Reference,
  refusal: Start['refusal'],
  unmet: Start['unmet'],
): readonly Problem[] {
  return [
    ...(refusal === undefined ? [] : [refusedBySystemd(reference, refusal)]),
    ...(unmet === undefined ? [] : [requiredUnit(reference, unmet)]),
  ];
}

/** The problem of an image whose service systemd refuses as a whole. */
function refusedBySystemd(
  { path, line, unit, unitPath, bind }: Reference,
  { at, message }: ServiceRefusal,
): Problem {
  return {
    code: 'bad-setting',
    path: at?.path ?? path,
    line: at?.line ?? line,
    message: `${message}; systemd refuses ${unit} as a whole and never starts it`,
    hint: `correct the service; \`systemd-analyze verify\` shows what systemd says about it`,
    subject: { unitPath, unit, ...(bind === undefined ? {} : { bind }) },
  };
}

/** The problem of an image whose unit requires a unit that can't start. */
function requiredUnit(
  { path, line, unit, unitPath, bind }: Reference,
  { at, message }: NonNullable<Start['unmet']>,
): Problem {
  const isWritten = at !== undefined && at.path !== '';
  return {
    code: 'required-unit',
    path: isWritten ? at.path : path,
    line: isWritten ? at.line : line,
    message: `${message}; so systemd does not start ${unit} either`,
    hint: 'ship or mend the required unit, or ask for it with Wants=',
    subject: { unitPath, unit, ...(bind === undefined ? {} : { bind }) },
  };
}

/** Fills in how the unit that a problem concerns starts, if it has commands and this is known. */
export function startedSubject(problem: Problem, startOf: BootGraph['startOf']): Problem {
  const { subject } = problem;
  if (subject === undefined || subject.activation !== undefined || !isStarted(subject.unit)) {
    return problem;
  }
  const { activation } = startOf(subject.unit);
  return activation === 'unknown' ? problem : { ...problem, subject: { ...subject, activation } };
}
