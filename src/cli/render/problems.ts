import type { BoundProblem } from '../../binding/survey.ts';
import type { BerthError } from '../../common/errors.ts';
import type { Finding } from '../../lifecycle/verify.ts';
import { shownLine } from './shown.ts';
import { paint } from './table.ts';

/** Prints problems on standard error. Problems on bound references come first, in red. */
export function printProblems(problems: readonly BoundProblem[]): void {
  const { stderr } = process;
  const said = new Set<string>();
  for (const problem of problems.toSorted((a, b) => Number(b.bound) - Number(a.bound))) {
    const place = placeOf(problem.path, problem.line);
    // A unit that refers to another unit shares its problem, which is printed once.
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

/** Prints findings on standard error, and the hint of neighbours that share it once, after the last. */
export function printFindings(findings: readonly Finding[]): void {
  const { stderr } = process;
  const distinct = [...Map.groupBy(findings, ({ message }) => message).values()].flatMap(
    ([first]) => first ?? [],
  );
  for (const [index, { code, message, hint, problem }] of distinct.entries()) {
    const label = problem === undefined ? code : `${code} ${problem.code}`;
    stderr.write(`${paint({ text: label, colour: 'red' }, stderr)} ${shownLine(message)}`);
    if (distinct[index + 1]?.hint !== hint) stderr.write(shownLine(`  → ${hint}`));
  }
}

interface Failed {
  /** The root, if the command concerns several. */
  readonly root?: string;
  readonly name: string;
  readonly error: Pick<BerthError, 'message' | 'hint'>;
}

/**
 * Prints a line for each failure, and each hint once for all failures that share it: a registry that is
 * down usually fails every image.
 */
export function printFailures(failures: readonly Failed[]): void {
  const { stderr } = process;
  for (const [hint, alike] of Map.groupBy(failures, ({ error }) => error.hint)) {
    // A message that is the same for several images, such as a fault in registries.conf, is printed once.
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

/** Removes the name from the beginning of a message that is printed right after the name. */
function withoutName(message: string, name: string): string {
  const [prefix = '', registry, repository] =
    /^registry (\S+), repository (\S+): /.exec(message) ?? [];
  const place = `${registry}/${repository}`;
  if (prefix !== '' && [':', '@', ''].some((end) => name.startsWith(`${place}${end}`)))
    return message.slice(prefix.length);
  return message.startsWith(`${name}: `) ? message.slice(name.length + 2) : message;
}

function placeOf(path: string, line: number | undefined): string {
  return line === undefined ? path : `${path}:${line}`;
}
