import { BerthError, type FailureKind } from '../../common/errors.ts';
import { shownLine, shownLines } from './shown.ts';
import { paint } from './table.ts';

/** The exit codes of every command, besides 0. */
export const exitCodes: Readonly<Record<FailureKind | 'not-ready', number>> = {
  failed: 1,
  usage: 2,
  'not-ready': 3,
  refused: 4,
  unreachable: 5,
  waits: 6,
};

/** Prints an error in two lines: the message and the hint. */
export function printFailure(error: unknown, debug: boolean): void {
  const { stderr } = process;
  const label = paint({ text: 'berth:', colour: 'red' }, stderr);
  if (error instanceof BerthError) {
    stderr.write(`${label} ${shownLine(error.message)}`);
    stderr.write(`${paint({ text: '  →', colour: 'dim' }, stderr)} ${shownLine(error.hint)}`);
  } else {
    const message = error instanceof Error ? error.message : String(error);
    stderr.write(`${label} ${shownLine(`a fault of berth itself: ${message}`)}`);
    stderr.write('  → please report it, with what --debug prints\n');
  }
  if (debug && error instanceof Error) stderr.write(`${printableStack(error)}\n`);
}

function printableStack(error: Error): string {
  const own = shownLines(error.stack ?? error.message);
  return error.cause instanceof Error ? `${own}\ncaused by: ${printableStack(error.cause)}` : own;
}

/** The exit code for several failures: 6 (waits) only if all have it, 5 (unreachable) only if all have 5 or 6. */
export function exitCodeOf(errors: readonly unknown[]): number {
  const kinds = new Set(errors.map((e) => (e instanceof BerthError ? e.kind : 'failed')));
  const order: readonly FailureKind[] = ['failed', 'usage', 'refused', 'unreachable', 'waits'];
  const worst = order.find((kind) => kinds.has(kind));
  return worst === undefined ? 0 : exitCodes[worst];
}
