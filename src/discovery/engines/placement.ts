import type { EngineId } from '../../common/engine-id.ts';
import type { Fault } from '../problem.ts';
import type { Reference } from '../reference.ts';

/**
 * The engine that runs a container, or why it can't be known. Both are absent for the podman of
 * users in general: the manager of each of them runs the unit.
 */
export interface Placement {
  readonly engine?: EngineId;
  readonly fault?: Fault;
}

/** A reference with its engine, or with the problem that the engine can't be known. */
export function placed(reference: Reference, { engine, fault }: Placement): Reference {
  if (engine !== undefined) return { ...reference, engine };
  if (fault === undefined) return reference;
  const { path, line, unitPath, unit, bind } = reference;
  const subject = { unitPath, unit, ...(bind === undefined ? {} : { bind }) };
  return { ...reference, problems: [...reference.problems, { ...fault, path, line, subject }] };
}

/** Whether a reference is one of each user, to whom it has yet to be given. */
export function isOfEachUser({ engine, problems }: Reference): boolean {
  return engine === undefined && problems.every(({ code }) => code !== 'engine-unknown');
}

/** The fault of a container whose engine the root does not tell. */
export function engineUnknown(message: string, hint: string): Placement {
  return { fault: { code: 'engine-unknown', message, hint } };
}
