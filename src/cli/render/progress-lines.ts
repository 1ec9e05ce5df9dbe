import { formatBytes } from '../../common/format-bytes.ts';
import { shown } from '../../common/shown.ts';
import type { ProgressEvent, Report } from '../../lifecycle/events.ts';

/** A renderer of events. `end` restores the terminal, also after a failure. */
export interface Progress {
  readonly report: Report;
  end(): void;
  /** A signal ends the command: cleans up the screen and says what was reached. */
  interrupted?(): void;
}

/** The line for an event, or undefined for an event that is only an intermediate step. */
export function lineOf(event: ProgressEvent): string | undefined {
  switch (event.event) {
    case 'fetch-failed':
      return `failed   ${imageOf(event)}`;
    case 'restarting':
      return `restarts ${shown(event.unit)}`;
    case 'removed':
      return `removed  ${imageOf(event)}`;
    case 'listening':
      return `watches  ${event.engine}`;
    case 'lost':
      return `lost     ${imageOf(event)} of ${shown(event.root)}: ${shown(event.message)}`;
    case 'healed':
      return `healed   ${imageOf(event)} of ${shown(event.root)} in ${(event.milliseconds / 1000).toFixed(2)} s`;
    case 'waiting':
      return `waits    ${shown(event.registry)} has sent nothing for ${Math.round(event.milliseconds / 1000)} s`;
    case 'warning':
      return `warning: ${shown(event.message)}`;
    // `gatherRetries` says which requests are repeated.
    case 'retry':
    // Said with its hint when the command ends.
    case 'resolve-failed':
    case 'fetch-deferred':
    case 'resolved':
    case 'fetch-planned':
    case 'fetch-started':
    case 'fetch-progress':
    case 'unpack-progress':
    case 'fetched':
    case 'pinning':
    case 'pinned':
    case 'named':
      return undefined;
  }
}

type AboutImage = Extract<ProgressEvent, { readonly id: string }>;

/** An image among those of all engines. */
export function keyOf({ engine, id }: AboutImage): string {
  return `${engine ?? ''} ${id}`;
}

/** `NAME`, or `NAME for docker`: the engine goes without saying where it is the usual one of hosts. */
export function imageOf({ name, engine = 'store' }: AboutImage): string {
  const isUsual = engine === 'podman' || engine === 'store';
  return isUsual ? shown(name) : `${shown(name)} for ${engine}`;
}

/**
 * `fetched  IMAGE  12.3 MB in 1.2 s, 10.3 MB/s`, or `unpacked IMAGE  in 12 s`. Without a rate where layers came with
 * another image: the bytes of this one say nothing of the link then.
 */
export function fetchedLine(
  event: AboutImage,
  { total: bytes, part }: { readonly total: number; readonly part: number },
  milliseconds: number,
): string {
  const seconds = Math.max(milliseconds / 1000, 0.001);
  if (bytes === 0) return `unpacked ${imageOf(event)}   in ${seconds.toFixed(1)} s`;
  const rate = part === bytes ? `, ${formatBytes(Math.round(bytes / seconds))}/s` : '';
  return `fetched  ${imageOf(event)}   ${formatBytes(bytes)} in ${seconds.toFixed(1)} s${rate}`;
}
