/** A command of a crontab. */
export interface Job {
  readonly line: number;
  /** The script for a shell, and its standard input behind an unescaped percent sign. */
  readonly command: string;
  readonly input?: string;
  /** The user of the line; absent in a table without users. */
  readonly user?: string;
  /** The variables that the table sets above the line. */
  readonly variables: ReadonlyMap<string, string>;
  /** Whether it runs once, when cron starts: `@reboot`. */
  readonly isAtBoot: boolean;
}

/** The tables of cron, with a user in each line, and that of anacron, with a delay and a name. */
export type TableKind = 'cron' | 'anacron';

const assignment = /^\s*(["']?)([A-Za-z_]\w*)\1\s*=\s*(.*?)\s*$/;
const schedules: Readonly<Record<TableKind, RegExp>> = {
  // In cronie a minus sign before a line keeps the job from being logged.
  cron: /^\s*-?(@\w+|\S+(?:\s+\S+){4})\s+(\S+)\s+(\S.*)$/,
  anacron: /^\s*(@\w+|\d+)\s+\d+\s+(\S+)\s+(\S.*)$/,
};

/**
 * The commands of a crontab, in order. Other lines are ignored, as by cron.
 *
 * Source: crontab(5) of Debian's cron and of cronie; anacrontab(5).
 */
export function jobsOf(text: string, kind: TableKind): readonly Job[] {
  let variables: ReadonlyMap<string, string> = new Map();
  return text.split('\n').flatMap((written, index): Job[] => {
    if (/^\s*(?:#|$)/.test(written)) return [];
    const [, , name, value = ''] = assignment.exec(written) ?? [];
    if (name !== undefined) {
      variables = new Map([...variables, [name, value.replace(/^(["'])(.*)\1$/, '$2')]]);
      return [];
    }
    const [, schedule, user, command] = schedules[kind].exec(written) ?? [];
    if (command === undefined || user === undefined) return [];
    const isAtBoot = schedule === '@reboot';
    const job = { line: index + 1, variables, isAtBoot };
    return [kind === 'anacron' ? { ...job, command } : { ...job, user, ...split(command) }];
  });
}

/** Splits a command from its input: percent signs without a backslash end lines. */
function split(command: string): Pick<Job, 'command' | 'input'> {
  const [first = '', ...lines] = command
    .split(/(?<!\\)%/)
    .map((part) => part.replaceAll('\\%', '%'));
  return lines.length === 0 ? { command: first } : { command: first, input: lines.join('\n') };
}
