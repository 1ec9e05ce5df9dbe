import { cutShort } from '../../common/concealed.ts';
import type { ProblemSubject } from '../../common/problem.ts';
import type { SystemdUnit } from '../../systemd/systemd-unit.ts';
import { isSection } from '../../systemd/wanted-keys.ts';
import type { Problem } from '../problem.ts';
import { mentionsPrograms } from './mentions.ts';

/** The most ignored lines of a unit that are reported. */
const mostLines = 20;

/**
 * The sections and lines of a service that systemd ignores with a warning. The unit loads all the same,
 * so these are notes, unless a command for containers stands in such a section: it does not start.
 *
 * Source: systemd, src/shared/conf-parser.c, `parse_line` and `next_assignment`;
 * `systemd-analyze verify`.
 */
export function ignoredLines(
  { entries }: SystemdUnit,
  subject: ProblemSubject,
): readonly Problem[] {
  const ignored = entries.filter(({ key }) => key === '[' || key === '').slice(0, mostLines);
  return ignored.map(({ group, key, path, line }): Problem => {
    const losesCommand =
      key === '[' && entries.some((one) => one.group === group && one.path === path && isLost(one));
    return {
      ...(key === '[' ? unknownSection(group) : group === '' ? noSection : noEquals),
      code: 'ignored-line',
      path,
      line,
      subject,
      ...(losesCommand ? {} : { note: true }),
    };
  });
}

function isLost({ group, key, value }: SystemdUnit['entries'][number]): boolean {
  return !isSection(group) && key.startsWith('Exec') && mentionsPrograms(value);
}

function unknownSection(name: string) {
  return {
    message: `expected a section of a service, found [${cutShort(name, 100)}], which systemd ignores`,
    hint: 'correct the name of the section; one of your own begins with X-',
  };
}

const noEquals = {
  message: 'expected a section, a key with a value or a comment, found a line that systemd ignores',
  hint: 'correct the line, or make it a comment with #',
};

const noSection = {
  message: 'expected a section such as [Unit] first, found a line that systemd ignores',
  hint: 'write the line below its section',
};
