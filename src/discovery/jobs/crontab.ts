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

const assignment = /^(["']?)([A-Za-z_]\w*)\1\s*=\s*(.*)$/s;
const schedules: Readonly<Record<TableKind, RegExp>> = {
  // In cronie a minus sign before a line keeps the job from being logged.
  cron: /^-?(@\w+|\S+(?:\s+\S+){4})\s+(\S+)\s+(\S.*)$/,
  anacron: /^(@\w+|\d+)\s+\d+\s+(\S+)\s+(\S.*)$/,
};

/** More variables than any table sets: each of its thousands of jobs has all of them. */
export const mostVariables = 100;

/** The commands of a table, and whether these are all. */
export interface Jobs {
  readonly jobs: readonly Job[];
  /** The line with one variable too many: nothing from there on is read. */
  readonly cutAt?: number;
}

/**
 * The commands of a crontab, in order. Other lines are ignored, as by cron.
 *
 * Source: crontab(5) of Debian's cron and of cronie; anacrontab(5).
 */
export function jobsOf(text: string, kind: TableKind): Jobs {
  let variables: ReadonlyMap<string, string> = new Map();
  const jobs: Job[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const written = line.trimStart();
    if (written === '' || written.startsWith('#')) continue;
    const [, , name, value = ''] = assignment.exec(written) ?? [];
    if (name !== undefined) {
      variables = new Map([...variables, [name, value.trimEnd().replace(/^(["'])(.*)\1$/, '$2')]]);
      if (variables.size > mostVariables) return { jobs, cutAt: index + 1 };
      continue;
    }
    const [, schedule, user, command] = schedules[kind].exec(written) ?? [];
    if (command === undefined || user === undefined) continue;
    const isAtBoot = schedule === '@reboot';
    const job = { line: index + 1, variables, isAtBoot };
    jobs.push(kind === 'anacron' ? { ...job, command } : { ...job, user, ...split(command) });
  }
  return { jobs };
}

/** Splits a command from its input: percent signs without a backslash end lines. */
function split(command: string): Pick<Job, 'command' | 'input'> {
  const [first = '', ...lines] = command
    .split(/(?<!\\)%/)
    .map((part) => part.replaceAll('\\%', '%'));
  return lines.length === 0 ? { command: first } : { command: first, input: lines.join('\n') };
}
