import { dirname } from 'node:path';
import type { SystemCall } from './system-calls.ts';

/** How a name came to mean a file, or to mean none. */
export interface Change {
  readonly path: string;
  /** What was written to the file before it got the name; undefined where the name went. */
  readonly content: string | undefined;
  readonly start: number;
  /** When the content was on disk; undefined if that was never asked for before the name. */
  readonly synced: number | undefined;
  /** When the name was on disk: the end of the first fsync of its directory after the change. */
  readonly durable: number | undefined;
}

/** What a power cut would have left, by the calls that were made. */
export class DiskTrace {
  readonly changes: readonly Change[];
  /** Directories that were made, and when their name was on disk. */
  readonly made: readonly Change[];
  readonly calls: readonly SystemCall[];

  constructor(calls: readonly SystemCall[]) {
    this.calls = calls;
    const named = (pattern: RegExp) => calls.filter(({ name }) => pattern.test(name));
    const syncs = named(/^f(data)?sync$/);
    const writes = named(/^p?writev?(64)?$/);
    const durable = (path: string, after: number) =>
      syncs.find((sync) => sync.start > after && openPath(sync) === dirname(path))?.end;
    this.made = named(/^mkdir/).map((call) => {
      const path = quoted(call)[0] ?? '';
      const { start, end } = call;
      return { path, content: undefined, start, synced: undefined, durable: durable(path, end) };
    });
    const renames = named(/^rename/).map((call): Change => {
      const [from = '', path = ''] = quoted(call);
      const own = writes.filter((write) => openPath(write) === from && write.end < call.start);
      const written = Math.max(...own.map(({ end }) => end));
      const isSync = (sync: SystemCall) => openPath(sync) === from && sync.start > written;
      const synced = syncs.find((sync) => isSync(sync) && sync.end < call.start)?.end;
      const content = own.map((write) => quoted(write)[0] ?? '').join('');
      return { path, content, start: call.start, synced, durable: durable(path, call.end) };
    });
    const unlinks = named(/^unlink/).map((call): Change => {
      const path = quoted(call)[0] ?? '';
      const gone = { content: undefined, start: call.start, synced: undefined };
      return { path, ...gone, durable: durable(path, call.end) };
    });
    this.changes = [...renames, ...unlinks].sort((a, b) => a.start - b.start);
  }

  /** In the order in which they began. */
  of(path: string): readonly Change[] {
    return this.changes.filter((change) => change.path === path);
  }

  /** When requests with this in their first line were sent. */
  requests(pattern: RegExp): readonly number[] {
    const isSent = ({ name, words }: SystemCall) =>
      /^writev?$/.test(name) && /^\d+<(socket|UNIX|TCP)/.test(words) && pattern.test(words);
    return this.calls.filter(isSent).map(({ start }) => start);
  }
}

/** The path of a call's descriptor. */
function openPath({ words }: SystemCall): string | undefined {
  return /^\d+<([^>]*)>/.exec(words)?.[1];
}

/** The strings of a call, with the escapes that JSON has in them. */
function quoted({ words }: SystemCall): readonly string[] {
  return [...words.matchAll(/"((?:[^"\\]|\\.)*)"/gs)].map(([, text = '']) =>
    text.replace(/\\(["\\nt])/g, (_, c: string) => ({ n: '\n', t: '\t' })[c] ?? c),
  );
}
