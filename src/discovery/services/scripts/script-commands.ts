import { concealValue } from '../../../common/concealed.ts';
import type { Environment } from '../../../systemd/environment/environment.ts';
import { allowanceSpent, costOfVariable } from '../../allowance.ts';
import { tooManyPrivate } from '../../expander.ts';
import type { Fault } from '../../problem.ts';
import type { Caller } from '../caller.ts';
import type { ServiceContext, ServicePlace } from '../service-place.ts';
import { NotUnderstood } from '../shell/cursor.ts';
import { shellCommands } from '../shell/evaluate.ts';
import type { ShellCommand } from '../shell/state.ts';
import type { Word } from '../words.ts';

/** In characters: a longer script is not followed. */
const longestFollowed = 128 * 1024;
/** The cost of following one character of a script, as a number of expanded characters, which the allowance counts. */
const costOfFollowing = 8;

/** A script that a shell runs. */
export interface ShellText {
  readonly text: string;
  /** `$0`, `$1`, … */
  readonly args: readonly Word[];
  readonly stopsAtFailure: boolean;
  readonly caller: Caller;
}

/** The commands of a script. The fault is absent if the script is not understood. */
type Commands =
  | { readonly ok: true; readonly commands: readonly ShellCommand[] }
  | { readonly ok: false; readonly fault?: Fault };

/**
 * The commands that a script of a service may run.
 *
 * @param isTooDeep whether too many scripts call each other up to this one.
 */
export function commandsOf(
  { text, args, stopsAtFailure, caller }: ShellText,
  { unit, directory, directoryFault }: ServicePlace,
  context: ServiceContext,
  isTooDeep: boolean,
): Commands {
  const { allowance, expander, scripts } = context;
  if (!allowance.spend(text.length * costOfFollowing)) return { ok: false, fault: allowanceSpent };
  const environment = expander.environment({ service: unit.name, entries: unit.entries });
  const isKnown = environment.ok && !caller.resets;
  const copied = caller.variables.size + (isKnown ? environment.values.size : 0);
  if (!allowance.spend(copied * costOfVariable)) return { ok: false, fault: allowanceSpent };
  if (isKnown && !concealUsed(environment, text)) return { ok: false, fault: tooManyPrivate };
  if (isTooDeep || text.length > longestFollowed) return { ok: false };
  const variables = [...caller.variables];
  const given = variables.flatMap(([name, word]): [string, string][] =>
    word.fault === undefined ? [[name, word.text]] : [],
  );
  const commands = shellCommands(text, {
    environment: new Map([...(isKnown ? environment.values : []), ...given]),
    // PATH is never known as a whole, and names no image.
    isWhole:
      isKnown && variables.every(([name, { fault }]) => fault === undefined || name === 'PATH'),
    stopsAtFailure,
    args,
    directory: directoryFault === undefined ? directory : undefined,
    readFile: (path) => includedText(path, context, isKnown ? environment : undefined),
    realPath: (path) => scripts.files.realPath(path),
    matching: (pattern) => scripts.files.matching(pattern),
  });
  return commands === undefined ? { ok: false } : { ok: true, commands };
}

/**
 * The text of a file that a script includes or prints; private values in the file, and those that the
 * file uses, are concealed.
 */
function includedText(
  path: string,
  { scripts }: ServiceContext,
  environment: (Environment & { ok: true }) | undefined,
): string | undefined {
  const text = scripts.files.text(path);
  if (text === undefined) return undefined;
  const isConcealed =
    (environment === undefined || concealUsed(environment, text)) &&
    (!scripts.files.isPrivate(path) || concealLines(text));
  if (!isConcealed) throw new NotUnderstood();
  return text;
}

/** Conceals the values that the lines of a file assign, and lines of one word, such as a tag. */
function concealLines(text: string): boolean {
  return text.split('\n').every((line) => {
    const trimmed = line.trim();
    const found = /^(?:export\s+)?(?:\w+=)?(["']?)(.*)\1$/.exec(trimmed);
    const isValue = /^(?:export\s+)?\w+=|^\S+$/.test(trimmed);
    return !isValue || concealValue(found?.[2] ?? '');
  });
}

/**
 * Conceals the private values that a script may use: those of all variables that the script names, whether it uses
 * them or not.
 *
 * @returns false if there are too many values to conceal.
 */
function concealUsed({ values }: Environment & { ok: true }, script: string): boolean {
  const names = script.matchAll(/\$\{?([A-Za-z_][A-Za-z0-9_]*)/g);
  return [...new Set(Array.from(names, ([, name = '']) => name))]
    .filter((name) => values.isPrivate(name))
    .every((name) => concealValue(values.get(name) ?? ''));
}
