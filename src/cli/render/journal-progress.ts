import { fstatSync } from 'node:fs';
import type { ProgressEvent } from '../../lifecycle/events.ts';
import { plainProgress } from './plain-progress.ts';
import type { Progress } from './progress-lines.ts';
import { gatherRetries } from './retries.ts';

/** Whether an open descriptor leads to systemd's journal (systemd.exec(5), `JOURNAL_STREAM`). */
export function isJournal(fd: number, environment: NodeJS.ProcessEnv): boolean {
  const stream = environment['JOURNAL_STREAM'];
  if (stream === undefined) return false;
  const { dev, ino } = fstatSync(fd, { bigint: true });
  return stream === `${dev}:${ino}`;
}

/** Lines with the priority that the journal gives them: `<3>lost …`, sd-daemon(3). */
export function journalProgress(write: (text: string) => void): Progress {
  let priority = INFORMATION;
  const plain = plainProgress((line) => write(`<${priority}>${line}`));
  const retries = gatherRetries((line) => write(`<${WARNING}>${line}\n`));
  return {
    report: (event) => {
      if (event.event === 'retry') return retries.hear(event);
      priority = priorityOf(event);
      plain.report(event);
      // Lines that no event causes, as those that say that berth still works, are information.
      priority = INFORMATION;
    },
    end: () => {
      retries.end();
      plain.end();
    },
    interrupted: () => plain.interrupted?.(),
  };
}

const WARNING = 4;
const INFORMATION = 6;

/** As syslog(3) counts: 3 is an error, 4 a warning, 5 worth a notice, 6 information. */
function priorityOf(event: ProgressEvent): number {
  switch (event.event) {
    case 'fetch-failed':
    case 'resolve-failed':
      return 3;
    case 'warning':
      return event.code === 'heal-failed' ? 3 : WARNING;
    case 'lost':
      return event.code === 'image-missing' ? 3 : 5;
    case 'waiting':
      return WARNING;
    case 'fetched':
      return 5;
    default:
      return INFORMATION;
  }
}
