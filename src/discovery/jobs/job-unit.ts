import type { SystemdUnit } from '../../systemd/systemd-unit.ts';
import type { UnitEntry } from '../../systemd/unit-file.ts';
import type { Job } from './crontab.ts';

/** The file of a job. */
export interface JobFile {
  readonly path: string;
  readonly realPath: string;
}

/** A job as a unit with the same command, under the name of the service that runs the job. */
export function unitOfJob(
  name: string,
  file: JobFile,
  { command, input, user, variables, line }: Job,
): SystemdUnit {
  const shell = variables.get('SHELL') ?? '/bin/sh';
  const script = input === undefined ? command : `${command} <<'%%'\n${input}\n%%`;
  return jobUnit(name, file, line, [
    ...Array.from(variables, ([key, value]): [string, string] => [
      'Environment',
      quoted(`${key}=${value}`),
    ]),
    ...(user === undefined ? [] : [['User', user] as const]),
    ['ExecStart', `-${quoted(shell)} -c ${quoted(script)}`],
  ]);
}

/** A script that a service runs, as a unit that starts the script with unknown arguments. */
export function unitOfScript(name: string, file: JobFile): SystemdUnit {
  const unknown = '${FIRST} ${SECOND}';
  return jobUnit(name, file, 1, [['ExecStart', `-${quoted(file.path)} ${unknown}`]]);
}

function jobUnit(
  name: string,
  { path, realPath }: JobFile,
  line: number,
  assignments: readonly (readonly [key: string, value: string])[],
): SystemdUnit {
  const entries = assignments.map(
    ([key, value]): UnitEntry => ({ group: 'Service', key, value, path, line }),
  );
  return { name, path, realPath, masked: false, generated: true, entries };
}

/** A text as one word of a systemd unit, quoted so that systemd replaces nothing in it. */
function quoted(text: string): string {
  if (/^[\w./-]+$/.test(text)) return text;
  const escaped = text
    .replace(/[\\"]/g, '\\$&')
    .replaceAll('\n', '\\n')
    .replaceAll('%', '%%')
    .replaceAll('$', () => '$$');
  return `"${escaped}"`;
}
