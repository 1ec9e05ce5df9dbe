import type { BootGraph } from '../systemd/graph/boot-graph.ts';
import type { ServiceRefusal } from '../systemd/service-refusal.ts';
import type { Problem } from './problem.ts';
import type { Reference } from './reference.ts';

/**
 * Fills in how a reference's unit starts. References that belong to no service stay as they are.
 */
export function started(reference: Reference, startOf: BootGraph['startOf']): Reference {
  const { activation, unit, problems } = reference;
  if (activation !== 'unknown' || !unit.endsWith('.service')) return reference;
  const { activation: how, via, conditions, refusal } = startOf(unit);
  return {
    ...reference,
    activation: how,
    via,
    ...(conditions.length === 0 ? {} : { conditions }),
    problems: [
      ...(refusal === undefined ? [] : [refusedBySystemd(reference, refusal)]),
      ...problems,
    ].map((problem) => startedSubject(problem, startOf)),
  };
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

/** Fills in how the unit that a problem concerns starts, if it is a service and this is known. */
export function startedSubject(problem: Problem, startOf: BootGraph['startOf']): Problem {
  const { subject } = problem;
  if (subject?.activation !== undefined || subject?.unit.endsWith('.service') !== true) {
    return problem;
  }
  const { activation } = startOf(subject.unit);
  return activation === 'unknown' ? problem : { ...problem, subject: { ...subject, activation } };
}
