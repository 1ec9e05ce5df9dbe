import { readSituation } from '../../lifecycle/situation.ts';
import { roleOf, statusOfRoot } from '../../lifecycle/status.ts';
import { bindOf } from '../../state/record.ts';
import { isManual } from '../../state/root-id.ts';
import type { Host } from '../host.ts';
import {
  livingRecords,
  notStaged,
  readTree,
  type Seen,
  type SeenRole,
  type SeeOptions,
  surveyOf,
} from './seen.ts';

/** Sees all roots of this host: those on record, and those that its updaters know. Needs no network. */
export async function seeHost(host: Host, { bind }: Pick<SeeOptions, 'bind'>): Promise<Seen> {
  const context = await host.context();
  const situation = await readSituation(context);
  const living = await host.deployments.all();
  const records = livingRecords(situation);
  const known = new Set(records.map(({ id }) => id));
  const fresh = living.deployments.filter(({ id }) => !known.has(id));
  const found = [
    ...records.map((record) => ({ id: record.id, role: roleOf(record, living), record })),
    ...fresh.map(({ id, role }) => ({ id, role, record: undefined })),
  ].sort(inOrder);
  return {
    situation,
    living,
    others: () => [],
    async *roots() {
      for (const { id, role, record } of found) {
        const deployment = living.deployments.find((one) => one.id === id);
        const location = record?.location ?? deployment?.location ?? '';
        const tree = await readTree(host, location, deployment, (root) =>
          surveyOf(root, context, bind ?? bindOf(record)),
        );
        if (record === undefined) yield notStaged({ id, location, role }, tree);
        else yield { status: statusOfRoot(record, situation, living), record, tree };
      }
    },
  };
}

interface Ordered extends SeenRole {
  readonly id: string;
}

/** The running root comes first, then the root that will run next; pins made by hand come last. */
function inOrder(a: Ordered, b: Ordered): number {
  if (isManual(a.id) !== isManual(b.id)) return Number(isManual(a.id)) - Number(isManual(b.id));
  const rank = ({ role }: Ordered) => (role === undefined ? ROLES.length : ROLES.indexOf(role));
  return rank(a) - rank(b) || (a.id < b.id ? -1 : 1);
}

const ROLES = ['booted', 'staged', 'rollback', 'pinned', 'other', 'held'];
