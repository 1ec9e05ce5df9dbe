import type { RecordReference } from '../../lifecycle/record.ts';
import type { ResolutionFailure } from '../../lifecycle/resolve.ts';
import type { Staged } from '../../lifecycle/stage.ts';
import type { BoundProblem, BoundReference } from '../../lifecycle/survey.ts';
import type { Finding } from '../../lifecycle/verify.ts';
import { displayPath } from '../../root/names.ts';
import { paint } from './table.ts';

/** Problems on standard error: those on bound references first, in red. */
export function printProblems(problems: readonly BoundProblem[]): void {
  const { stderr } = process;
  const said = new Set<string>();
  for (const problem of problems.toSorted((a, b) => Number(b.bound) - Number(a.bound))) {
    const place = placeOf(problem.path, problem.line);
    // A unit that refers to another has its problem too: once is enough for people.
    const key = [problem.code, place, problem.message].join(' ');
    if (said.has(key)) continue;
    said.add(key);
    const label = paint(
      { text: problem.bound ? 'problem' : 'note', colour: problem.bound ? 'red' : 'yellow' },
      stderr,
    );
    stderr.write(`${label} ${problem.code} ${place}: ${displayPath(problem.message)}\n`);
    stderr.write(`  → ${displayPath(problem.hint)}\n`);
  }
}

export function printFindings(findings: readonly Finding[]): void {
  const { stderr } = process;
  const said = new Set<string>();
  for (const { code, message, hint, problem } of findings) {
    if (said.has(message)) continue;
    said.add(message);
    const label = problem === undefined ? code : `${code} ${problem.code}`;
    stderr.write(`${paint({ text: label, colour: 'red' }, stderr)} ${displayPath(message)}\n`);
    stderr.write(`  → ${displayPath(hint)}\n`);
  }
}

/** One line for each, and what to do once for all that it helps: a registry is mostly gone for all. */
export function printFailures(
  failures: readonly { name: string; message: string; hint: string }[],
) {
  const { stderr } = process;
  for (const [hint, alike] of Map.groupBy(failures, (failure) => failure.hint)) {
    // Of a whole root the images are not named: they may all fail alike.
    const lines = alike.map(({ name, message }) => `${displayPath(name)}: ${displayPath(message)}`);
    for (const line of new Set(lines)) {
      stderr.write(`${paint({ text: 'failed', colour: 'red' }, stderr)} ${line}\n`);
    }
    stderr.write(`  → ${displayPath(hint)}\n`);
  }
}

export function resolutionFailure({ binding, error }: ResolutionFailure) {
  return { name: binding.name, code: error.code, message: error.message, hint: error.hint };
}

/** A failed resolution as JSON lists it. */
export function failureEntry(failure: ResolutionFailure) {
  const { name: image, ...rest } = resolutionFailure(failure);
  return { image, ...rest };
}

export function problemEntry({ code, path, line, message, hint, bound }: BoundProblem) {
  return {
    code,
    path: displayPath(path),
    ...(line === undefined ? {} : { line }),
    message,
    hint,
    bound,
  };
}

export function findingEntry({ code, message, hint, id, name }: Finding) {
  return {
    code,
    message,
    hint,
    ...(id === undefined ? {} : { id }),
    ...(name === undefined ? {} : { name }),
  };
}

/** A reference on record, as JSON shows it. */
export function placeEntry({ raw, path, line, key, unit }: RecordReference) {
  return { raw, path: displayPath(path), line, key, unit: displayPath(unit) };
}

export function imageReference(reference: BoundReference) {
  const { raw, path, line, key, kind, unit, scope, activation, via, decision, pull } = reference;
  const { conditions = [] } = reference;
  const { creds, additionalStores, ...rest } = pull;
  return {
    raw,
    path: displayPath(path),
    line,
    key,
    kind,
    unit: displayPath(unit),
    scope,
    activation,
    via: [...via],
    ...(conditions.length === 0 ? {} : { conditions: [...conditions] }),
    bound: decision.bound,
    rule: decision.rule,
    pull: {
      ...rest,
      ...(creds === undefined ? {} : { creds: '***' as const }),
      ...(additionalStores === undefined ? {} : { additionalStores: [...additionalStores] }),
    },
  };
}

function placeOf(path: string, line: number | undefined): string {
  return line === undefined ? displayPath(path) : `${displayPath(path)}:${line}`;
}

/** What of a staging could not be resolved, or not be fetched. */
export function failuresOf({ plan, failures }: Pick<Staged, 'plan' | 'failures'>) {
  return [
    ...plan.failures.map((failure) => ({ ...resolutionFailure(failure), error: failure.error })),
    ...failures.map(({ image, error }) => ({
      name: image.names[0]?.name ?? image.id,
      code: error.code,
      message: error.message,
      hint: error.hint,
      error,
    })),
  ];
}
