import type { Fault } from '../problem.ts';
import type { Caller } from './caller.ts';
import type { ReadCommand } from './read-command.ts';
import { other } from './read-command.ts';
import { type Option, splitOptions } from './split-options.ts';
import { mentionsContainers, unreadProgram } from './unread-program.ts';
import type { Word } from './words.ts';
import { userBy, type Wrapper } from './wrappers.ts';

/** The command behind one program that runs it, or why the command can't be read. */
export function behind(
  name: string,
  wrapper: Wrapper,
  args: readonly Word[],
  caller: Caller,
): { readonly words: readonly Word[]; readonly caller: Caller } | ReadCommand {
  const failed = (fault: Fault): ReadCommand =>
    mentionsContainers(args) ? { kind: 'fault', fault } : other;
  const isSu = wrapper.script !== undefined;
  const split = splitOptions(args, { tables: [wrapper.options], interspersed: isSu });
  if (!split.ok) return failed(split.fault);
  const { options } = split;
  const has = (option: string) => options.some((one) => one.name === option);
  if (wrapper.elsewhere?.some(has) === true || options.some(isUnreadProperty)) {
    return failed(unreadProgram(name));
  }
  // `env - COMMAND` is `env -i COMMAND`.
  const isBare = name === 'env' && split.rest[0]?.text === '-';
  const skipped = isBare ? 1 : skippedBy(name, wrapper, split.rest);
  const withVariables = assigned(split.rest.slice(skipped), wrapper);
  const [given, rest] = isSu
    ? userOfSu(wrapper, options, withVariables.rest)
    : [userBy(wrapper, options), withVariables.rest];
  const changes: Changes = {
    user: propertyOf('User', options) ?? given,
    directory: directoryBy(name, options, split.rest),
    resets:
      wrapper.resets === true ||
      isBare ||
      resetting.some(has) ||
      isLogin(name, options, split.rest),
    variables: [...setBy(options), ...withVariables.variables],
  };
  const next = changed(caller, changes);
  if (name === 'start-stop-daemon') return daemon(options, rest, next);
  const shell = shellOf(wrapper, options, rest, next);
  if (shell !== undefined) return shell;
  // `flock FILE -c SCRIPT` calls a shell.
  const isScript = name === 'flock' && /^(?:-c|--command)$/.test(rest[0]?.text ?? '');
  return { words: isScript ? [{ text: 'sh', raw: 'sh' }, ...rest] : rest, caller: next };
}

/** What a wrapper changes for its command. */
interface Changes {
  /** Undefined for the user of the caller. */
  readonly user: Word | undefined;
  /** Undefined for the directory of the caller. */
  readonly directory: Word | undefined;
  /** Whether the command does not get the environment of the caller. */
  readonly resets: boolean;
  readonly variables: readonly (readonly [string, Word])[];
}

function changed(caller: Caller, changes: Changes): Caller {
  const { user = caller.user, directory = caller.directory, resets, variables } = changes;
  return {
    resets: caller.resets || resets,
    variables: new Map([...(resets ? [] : caller.variables), ...variables]),
    ...(user === undefined ? {} : { user }),
    ...(directory === undefined ? {} : { directory }),
  };
}

/** The shell that a wrapper such as su or sudo starts for a script, or because no command is given. */
function shellOf(
  wrapper: Wrapper,
  options: readonly Option[],
  rest: readonly Word[],
  caller: Caller,
): ReadCommand | undefined {
  const isSu = wrapper.script !== undefined;
  const script = options.findLast(
    ({ name }) => isSu && (name === 'command' || name === 'session-command'),
  )?.value;
  if (script !== undefined) {
    return { kind: 'shell', script, args: [], stopsAtFailure: false, caller };
  }
  const asksForShell = options.some(({ name }) => name === 'shell' || name === 'login');
  const isShell = isSu || (asksForShell && wrapper.user !== undefined);
  // Without a command, the user's shell reads its input.
  return isShell && rest.length === 0
    ? { kind: 'shell', args: [], stopsAtFailure: false, caller }
    : undefined;
}

/** Properties of systemd-run that change which images a command finds, and are not read. */
function isUnreadProperty({ name, value }: Option): boolean {
  return (
    name === 'property' &&
    /^(?:Root\w+|Exec\w+|EnvironmentFile|Environment|PAMName|DynamicUser)=/.test(value?.text ?? '')
  );
}

function propertyOf(key: string, options: readonly Option[]): Word | undefined {
  const found = options.findLast(
    ({ name, value }) => name === 'property' && value?.text.startsWith(`${key}=`),
  )?.value;
  return found && { ...found, text: found.text.slice(key.length + 1) };
}

/** The directory that a wrapper chooses for its command; undefined for that of its caller. */
function directoryBy(
  name: string,
  options: readonly Option[],
  rest: readonly Word[],
): Word | undefined {
  const chosen =
    options.findLast(({ name: option }) => option === 'chdir' || option === 'working-directory')
      ?.value ?? propertyOf('WorkingDirectory', options);
  if (chosen !== undefined) return chosen;
  const has = (option: string) => options.some((one) => one.name === option);
  if (isLogin(name, options, rest)) return { text: '~', raw: '~', fault: homeDirectory };
  // systemd and start-stop-daemon start services of their own in `/`.
  const isService =
    name === 'start-stop-daemon' || (name === 'systemd-run' && !has('scope') && !has('same-dir'));
  return isService ? { text: '/', raw: '/' } : undefined;
}

/** Whether a wrapper logs a user in: then the command starts in the user's home, with an environment of its own. */
function isLogin(name: string, options: readonly Option[], rest: readonly Word[]): boolean {
  const isSu = name === 'su' || name === 'runuser';
  return options.some((one) => one.name === 'login') || (isSu && rest[0]?.text === '-');
}

/** The options that keep the caller's environment from a command. */
const resetting = ['ignore-environment', 'unset', 'reset-env'];

/** The variables of systemd-run's `--setenv`. */
function setBy(options: readonly Option[]): [string, Word][] {
  return options.flatMap(({ name, value }): [string, Word][] => {
    const equals = value?.text.indexOf('=') ?? -1;
    if (name !== 'setenv' || value === undefined || equals <= 0) return [];
    return [[value.text.slice(0, equals), { ...value, text: value.text.slice(equals + 1) }]];
  });
}

/** The command of `start-stop-daemon --start --exec PROGRAM -- ARGUMENTS`. */
function daemon(
  options: readonly Option[],
  rest: readonly Word[],
  caller: Caller,
): { readonly words: readonly Word[]; readonly caller: Caller } | ReadCommand {
  const valueOf = (option: string) => options.findLast(({ name }) => name === option)?.value;
  const program = valueOf('startas') ?? valueOf('exec');
  const starts = options.some(({ name }) => name === 'start');
  return starts && program !== undefined ? { words: [program, ...rest], caller } : other;
}

/** The number of words between the options and the command. chrt needs no priority for some policies. */
function skippedBy(name: string, { skipped = 0 }: Wrapper, [first]: readonly Word[]): number {
  return name === 'chrt' && !/^\d+$/.test(first?.text ?? '') ? 0 : skipped;
}

/**
 * The user and the command of `runuser -u USER COMMAND`, or the user of `su - USER -c SCRIPT`.
 *
 * Source: su(1), runuser(1). Words behind the user are arguments of the shell, not a command.
 */
function userOfSu(
  wrapper: Wrapper,
  options: readonly Option[],
  rest: readonly Word[],
): [Word | undefined, readonly Word[]] {
  const given = userBy(wrapper, options);
  if (given !== undefined) return [given, rest];
  const [user = { text: 'root', raw: 'root' }, ...others] = rest.filter(({ text }) => text !== '-');
  // The other words are options and arguments of the shell: `su USER -- -c SCRIPT`.
  return [user, others.length === 0 ? [] : [{ text: 'sh', raw: 'sh' }, ...others]];
}

/** The assignments before a command, and the command. */
function assigned(
  words: readonly Word[],
  { assigns }: Wrapper,
): { readonly variables: readonly [string, Word][]; readonly rest: readonly Word[] } {
  if (assigns !== true) return { variables: [], rest: words };
  const end = words.findIndex(({ text }) => !/^\w+=/.test(text));
  const count = end < 0 ? words.length : end;
  const variables = words.slice(0, count).map((word): [string, Word] => {
    const equals = word.text.indexOf('=');
    return [word.text.slice(0, equals), { ...word, text: word.text.slice(equals + 1) }];
  });
  return { variables, rest: words.slice(count) };
}

const homeDirectory: Fault = {
  code: 'command-line',
  message: 'expected a directory of the root, found the home of a user',
  hint: 'change to the directory in the command itself, or write absolute paths',
};
