import type { BerthError } from '../../errors.ts';
import type { NameFailure } from '../../lifecycle/limited.ts';
import type { RecordReference } from '../../lifecycle/record.ts';
import type { BoundProblem, BoundReference } from '../../lifecycle/survey.ts';
import type { Finding } from '../../lifecycle/verify.ts';
import { shown, shownLine } from './shown.ts';
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
    stderr.write(`${label} ${shownLine(`${problem.code} ${place}: ${problem.message}`)}`);
    stderr.write(shownLine(`  → ${problem.hint}`));
  }
}

export function printFindings(findings: readonly Finding[]): void {
  const { stderr } = process;
  const said = new Set<string>();
  for (const { code, message, hint, problem } of findings) {
    if (said.has(message)) continue;
    said.add(message);
    const label = problem === undefined ? code : `${code} ${problem.code}`;
    stderr.write(`${paint({ text: label, colour: 'red' }, stderr)} ${shownLine(message)}`);
    stderr.write(shownLine(`  → ${hint}`));
  }
}

interface Failed {
  /** For which root, where a command is about several. */
  readonly root?: string;
  readonly name: string;
  readonly error: Pick<BerthError, 'message' | 'hint'>;
}

/** One line for each, and what to do once for all that it helps: a registry is mostly gone for all. */
export function printFailures(failures: readonly Failed[]): void {
  const { stderr } = process;
  for (const [hint, alike] of Map.groupBy(failures, ({ error }) => error.hint)) {
    // What does not speak of one image, such as a fault in registries.conf, is said once.
    for (const [message, of] of Map.groupBy(alike, ({ error }) => error.message)) {
      const names = new Set(
        of.map(({ root, name }) => (root === undefined ? name : `${root}: ${name}`)),
      );
      const [{ name } = { name: '' }] = of;
      const said = names.size === 1 ? withoutName(message, name) : message;
      stderr.write(`${paint({ text: 'failed', colour: 'red' }, stderr)} `);
      stderr.write(shownLine(`${[...names].join(', ')}: ${said}`));
    }
    stderr.write(shownLine(`  → ${hint}`));
  }
}

/** An error names what it is about, by itself: not once more behind that very name. */
function withoutName(message: string, name: string): string {
  const [prefix = '', registry, repository] =
    /^registry (\S+), repository (\S+): /.exec(message) ?? [];
  const place = `${registry}/${repository}`;
  if (prefix !== '' && [':', '@', ''].some((end) => name.startsWith(`${place}${end}`)))
    return message.slice(prefix.length);
  return message.startsWith(`${name}: `) ? message.slice(name.length + 2) : message;
}

/** A name that failed as JSON lists it. */
export function failureEntry({ name: image, error: { code, message, hint } }: NameFailure) {
  return { image, code, message, hint };
}

export function problemEntry({ code, path, line, message, hint, bound }: BoundProblem) {
  return {
    code,
    path: shown(path),
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
  return { raw, path: shown(path), line, key, unit: shown(unit) };
}

export function imageReference(reference: BoundReference) {
  const { raw, path, line, key, kind, unit, scope, activation, via, decision, pull } = reference;
  const { conditions = [] } = reference;
  const { creds, additionalStores, ...rest } = pull;
  return {
    raw,
    path: shown(path),
    line,
    key,
    kind,
    unit: shown(unit),
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
  return line === undefined ? path : `${path}:${line}`;
}
