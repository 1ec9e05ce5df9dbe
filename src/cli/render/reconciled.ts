import { counted } from '../../common/counted.ts';
import type { Reconciled, ReconciledRoot, RootFailure } from '../../lifecycle/reconcile.ts';
import { exitCodeOf, exitCodes } from './failure.ts';
import type { Column } from './fit.ts';
import { printFailures, printFindings } from './problems.ts';
import { shownLine } from './shown.ts';
import { type Cell, type Look, paint, renderTable } from './table.ts';

/** Prints what is not as it should be on standard error, and how many images wait for the end of quiet hours. */
export function printReconciled({ roots, failures }: Reconciled): void {
  for (const { id, failures, findings } of roots.filter(isLiving)) {
    printFailures(
      failures
        .filter(isFailure)
        .map(({ image, ...rest }) =>
          image === undefined ? { name: id, ...rest } : { root: id, name: image, ...rest },
        ),
    );
    printFindings(findings);
  }
  printFailures(failures.map((error) => ({ name: 'updater', error })));
  printWaiting(roots);
}

/** Says once why images wait, and how many: `waits quiet hours until 06:00: 22 images wait`. */
function printWaiting(roots: readonly ReconciledRoot[]): void {
  const { stderr } = process;
  const waiting = roots.flatMap(({ failures }) => failures.filter((one) => !isFailure(one)));
  for (const [message, alike] of Map.groupBy(waiting, ({ error }) => error.message)) {
    const images = new Set(alike.map(({ image }) => image)).size;
    const wait = images === 1 ? 'waits' : 'wait';
    stderr.write(`${paint({ text: 'waits', colour: 'yellow' }, stderr)} `);
    stderr.write(shownLine(`${message}: ${counted(images, 'image')} ${wait}`));
    const [first] = alike;
    if (first !== undefined) stderr.write(shownLine(`  → ${first.error.hint}`));
  }
}

/** Whether something is wrong: what waits for the end of quiet hours has not failed. */
function isFailure({ error }: RootFailure): boolean {
  return error.kind !== 'waits';
}

export function isChanged({ roots, released }: Reconciled): boolean {
  return released.length > 0 || roots.some(({ changed }) => changed);
}

export function exitCodeOfReconciled({ roots, failures }: Reconciled): number {
  const all = [...failures, ...roots.flatMap(({ failures }) => failures.map(({ error }) => error))];
  const code = exitCodeOf(all);
  const notReady = roots
    .filter(isLiving)
    .some((root) => root.findings.length > 0 || (!root.ready && !waits(root)));
  const isFailed = code !== 0 && code !== exitCodes.waits;
  return notReady && !isFailed ? exitCodes['not-ready'] : code;
}

/** Whether a root only waits for the end of quiet hours. */
export function waits({ failures }: ReconciledRoot): boolean {
  return failures.length > 0 && !failures.some(isFailure);
}

const RECONCILED: readonly Column[] = [
  { header: 'ROOT', always: true, cut: 'right' },
  { header: 'ROLE' },
  { header: 'IMAGES' },
  { header: 'STATE', always: true },
];

export function reconciledTable(result: Reconciled, look: Look): string {
  const { roots, released } = result;
  const rows = [
    ...roots.map((root) => [root.id, root.role, String(root.images), stateCell(root)]),
    ...released.map(({ id }) => [id, 'gone', '', { text: 'released', colour: 'yellow' } as const]),
  ];
  if (rows.length === 0) return '';
  const isDone = !isChanged(result) && exitCodeOfReconciled(result) === 0;
  const end = isDone ? '\nNothing had to be done.\n' : '';
  return `${renderTable(RECONCILED, rows, look)}${end}`;
}

/**
 * Whether the root lives. A held root does not: its tree is gone, so its missing images can't be fetched,
 * and nobody boots it.
 */
function isLiving({ role }: ReconciledRoot): boolean {
  return role !== 'held';
}

function stateCell(root: ReconciledRoot): Cell {
  if (waits(root)) return { text: 'waits', colour: 'yellow' };
  return { text: stateOf(root), colour: root.ready ? 'green' : 'red' };
}

function stateOf({ role, ready, changed, failures }: ReconciledRoot): string {
  if (role === 'held') return 'held';
  if (failures.length > 0) return 'failed';
  if (!ready) return 'not ready';
  return changed ? 'ready, staged now' : 'ready';
}
