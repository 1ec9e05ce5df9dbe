import type { BoundProblem } from '../../binding/survey.ts';
import type { BerthError } from '../../common/errors.ts';
import type { Finding } from '../../lifecycle/verify.ts';
import { causeOf, OF_REPOSITORY } from './cause.ts';
import { shownLine } from './shown.ts';
import { paint } from './table.ts';

/**
 * Prints problems on standard error, those on bound references first, in red. A problem that is the same in many places,
 * as where a broken file keeps all files of its directory from being read, is printed once, with the first places.
 */
export function printProblems(problems: readonly BoundProblem[]): void {
  const { stderr } = process;
  const sorted = problems.toSorted((a, b) => Number(b.bound) - Number(a.bound));
  const key = ({ bound, code, message, hint }: BoundProblem) =>
    JSON.stringify([bound, code, message, hint]);
  for (const alike of Map.groupBy(sorted, key).values()) {
    const [first] = alike;
    if (first === undefined) continue;
    const { bound, code, message, hint } = first;
    const label = { text: bound ? 'problem' : 'note', colour: bound ? 'red' : 'yellow' } as const;
    // A unit that refers to another unit shares its problem.
    const places = [...new Set(alike.map(({ path, line }) => placeOf(path, line)))];
    const said = `${code} ${few(places, MOST_PLACES)}: ${message}`;
    stderr.write(`${paint(label, stderr)} ${shownLine(said)}`);
    stderr.write(shownLine(`  → ${hint}`));
  }
}

/** Prints findings on standard error, and the hint of neighbours that share it once, after the last. */
export function printFindings(findings: readonly Finding[]): void {
  const { stderr } = process;
  const distinct = [...Map.groupBy(findings, ({ message }) => message).values()].flatMap(
    ([first]) => first ?? [],
  );
  for (const [index, { code, message, hint, problem, wantedBy }] of distinct.entries()) {
    const label = problem === undefined ? code : `${code} ${problem.code}`;
    const said = `${message}${wantedText(wantedBy)}`;
    stderr.write(`${paint({ text: label, colour: 'red' }, stderr)} ${shownLine(said)}`);
    if (distinct[index + 1]?.hint !== hint) stderr.write(shownLine(`  → ${hint}`));
  }
}

interface Failed {
  /** The root, if the command concerns several. */
  readonly root?: string;
  readonly name: string;
  readonly error: Pick<BerthError, 'message' | 'hint'>;
  /** The units that want the image. */
  readonly wantedBy?: readonly string[];
}

/**
 * Prints a line for each cause, with the images that failed for it and the units that want them, and each hint once
 * for all causes that share it: a registry that is down usually fails every image.
 */
export function printFailures(failures: readonly Failed[]): void {
  const { stderr } = process;
  for (const [hint, alike] of Map.groupBy(failures, ({ error }) => error.hint)) {
    for (const of of Map.groupBy(alike, ({ error }) => causeOf(error.message)).values()) {
      stderr.write(`${paint({ text: 'failed', colour: 'red' }, stderr)} `);
      stderr.write(shownLine(failureText(of)));
    }
    stderr.write(shownLine(`  → ${hint}`));
  }
}

/** `NAME: MESSAGE`, or `NAME, NAME and 18 more: MESSAGE`; and the units. */
function failureText(alike: readonly Failed[]): string {
  const names = new Set(
    alike.map(({ root, name }) => (root === undefined ? name : `${root}: ${name}`)),
  );
  const [
    {
      name,
      error: { message },
    } = NOBODY,
  ] = alike;
  const said = names.size === 1 ? withoutName(message, name) : sharedMessage(alike);
  const units = new Set(alike.flatMap(({ wantedBy = [] }) => wantedBy));
  return `${few([...names], MOST_NAMES)}: ${said}${wantedText([...units])}`;
}

const NOBODY: Failed = { name: '', error: { message: '', hint: '' } };

/** How many names, places and units are printed in one line. */
const MOST_NAMES = 5;
const MOST_PLACES = 3;
const MOST_UNITS = 3;

/** `; wanted by a.service, b.service, c.service and 4 more`. */
function wantedText(units: readonly string[] = []): string {
  return units.length === 0 ? '' : `; wanted by ${few(units, MOST_UNITS)}`;
}

function few(texts: readonly string[], most: number): string {
  const rest = texts.length - most;
  return rest <= 0 ? texts.join(', ') : `${texts.slice(0, most).join(', ')} and ${rest} more`;
}

function sharedMessage(alike: readonly Failed[]): string {
  const [first = '', ...more] = new Set(alike.map(({ error }) => error.message));
  return more.length === 0 ? first : causeOf(first);
}

/** Removes the name from the beginning of a message that is printed right after the name. */
function withoutName(message: string, name: string): string {
  const [prefix = '', registry, repository] = OF_REPOSITORY.exec(message) ?? [];
  const place = `${registry}/${repository}`;
  if (prefix !== '' && [':', '@', ''].some((end) => name.startsWith(`${place}${end}`)))
    return message.slice(prefix.length);
  return message.startsWith(`${name}: `) ? message.slice(name.length + 2) : message;
}

function placeOf(path: string, line: number | undefined): string {
  return line === undefined ? path : `${path}:${line}`;
}
