import { formatBytes } from '../../common/format-bytes.ts';
import { shown } from '../../common/shown.ts';
import type { ProgressEvent, Report } from '../../lifecycle/events.ts';

/** A renderer of events. `end` restores the terminal, also after a failure. */
export interface Progress {
  readonly report: Report;
  end(): void;
}

/** The line for an event, or undefined for an event that is only an intermediate step. */
export function lineOf(event: ProgressEvent): string | undefined {
  switch (event.event) {
    case 'fetch-failed':
      return `failed   ${shown(event.name)}`;
    case 'restarting':
      return `restarts ${shown(event.unit)}`;
    case 'removed':
      return `removed  ${shown(event.name)}`;
    case 'retry':
      return retryLine(event.message, event.milliseconds);
    case 'warning':
      return `warning: ${shown(event.message)}`;
    // Said with its hint when the command ends.
    case 'resolve-failed':
    case 'resolved':
    case 'fetch-started':
    case 'fetch-progress':
    case 'fetched':
    case 'pinned':
    case 'named':
      return undefined;
  }
}

/** `again in 1.2 s: MESSAGE`. */
export function retryLine(message: string, milliseconds: number): string {
  return `again in ${(milliseconds / 1000).toFixed(1)} s: ${shown(message)}`;
}

/** `fetched  NAME  12.3 MB in 1.2 s, 10.3 MB/s`. */
export function fetchedLine(name: string, bytes: number, milliseconds: number): string {
  const seconds = Math.max(milliseconds / 1000, 0.001);
  const rate = formatBytes(Math.round(bytes / seconds));
  return `fetched  ${shown(name)}   ${formatBytes(bytes)} in ${seconds.toFixed(1)} s, ${rate}/s`;
}
