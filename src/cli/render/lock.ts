import { LOCK_PATH, type Lock } from '../../binding/lock.ts';
import { byDigest } from '../../image/name.ts';
import type { LockCheck } from '../../lifecycle/write-lock.ts';
import { imageColumn, remarkColumn, stateColumn } from './columns.ts';
import { type Column } from './fit.ts';
import { shortDigest } from './plan.ts';
import { type Cell, type Look, renderTable } from './table.ts';

/** The entries of a lock file as JSON, sorted by name. */
export function lockEntries(lock: Lock) {
  return sorted(lock).map(([name, { digest, platforms }]) => ({
    name,
    digest,
    platforms: Object.fromEntries([...platforms].sort(([a], [b]) => (a < b ? -1 : 1))),
  }));
}

const LOCKED: readonly Column[] = [
  imageColumn,
  { header: 'DIGEST' },
  { header: 'PLATFORMS', cut: 'right' },
];

export function lockTable(lock: Lock, look: Look): string {
  const rows = sorted(lock).map(([name, { digest, platforms }]) => [
    name,
    shortDigest(digest),
    [...platforms.keys()].sort().join(', '),
  ]);
  return rows.length === 0 ? '' : renderTable(LOCKED, rows, look);
}

export function lockRefs(lock: Lock): string[] {
  return sorted(lock).map(([name, { digest }]) => byDigest(name, digest));
}

export function checkTable({ moved, missing, extra }: LockCheck, look: Look): string {
  const state = (text: string): Cell => ({ text, colour: 'yellow' });
  const rows: Cell[][] = [
    ...moved.map(({ name, locked, found }) => [
      name,
      state('moved'),
      `${shortDigest(locked)} → ${shortDigest(found)}`,
    ]),
    ...missing.map((name) => [name, state('missing'), `bound, and not in ${LOCK_PATH}`]),
    ...extra.map((name) => [name, state('extra'), `in ${LOCK_PATH}, and not bound`]),
  ];
  return rows.length === 0 ? '' : renderTable([imageColumn, stateColumn, remarkColumn], rows, look);
}

function sorted(lock: Lock) {
  return [...lock].sort(([a], [b]) => (a < b ? -1 : 1));
}
