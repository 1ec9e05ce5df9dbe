import type { EngineId } from '../../common/engine-id.ts';
import { readSituation } from '../../lifecycle/situation.ts';
import { statusOfRoot } from '../../lifecycle/status.ts';
import type { SeenRoot } from '../../report/model/root-report.ts';
import type { Root } from '../../root/root.ts';
import { bindOf, type RootRecord } from '../../state/record.ts';
import type { HostContext } from '../context.ts';
import type { Host } from '../host.ts';
import { idOfRoot, withRoot } from '../root.ts';
import {
  livingRecords,
  notStaged,
  readTree,
  type Seen,
  type SeeOptions,
  surveyOf,
} from './seen.ts';

/** Sees one root, staged or not: given as commands take it, or by the id of its record. */
export async function seeRoot(host: Host, spec: string, options: SeeOptions): Promise<Seen> {
  const context = await host.context();
  const { id, tree } = await readGiven(host, context, spec, options);
  const situation = await readSituation(context, { engines: enginesFor(tree) });
  const living = await host.deployments.all();
  const records = livingRecords(situation);
  const record = records.find((one) => one.id === id);
  const others = records.filter((one) => one !== record);
  return {
    situation,
    living,
    *others() {
      for (const one of others) {
        yield { status: statusOfRoot(one, situation, living), record: one, tree: undefined };
      }
    },
    async *roots() {
      const location = tree !== undefined && 'found' in tree ? tree.found.location : '';
      const role = living.deployments.find((one) => one.id === id)?.role;
      if (record === undefined) yield notStaged({ id, location, role }, tree);
      else yield { status: statusOfRoot(record, situation, living), record, tree };
    },
  };
}

/** The root's id and its tree. The tree of a root that is named by its id may be gone. */
async function readGiven(
  host: Host,
  context: HostContext,
  spec: string,
  { bind, id }: SeeOptions,
): Promise<Pick<SeenRoot, 'tree'> & { readonly id: string }> {
  const { byId } = context.state.records();
  const read = (root: Root, record: RootRecord | undefined) =>
    surveyOf(root, context, bind ?? bindOf(record));
  const recorded = byId.get(spec);
  if (recorded === undefined) {
    return withRoot(host, spec, async (root, deployment) => {
      const own = idOfRoot(root.location, id, byId, deployment);
      return { id: own, tree: { found: await read(root, byId.get(own)) } };
    });
  }
  const { deployments } = await host.deployments.all();
  const deployment = deployments.find((one) => one.id === spec);
  const tree = await readTree(host, recorded.location, deployment, (root) => read(root, recorded));
  return { id: spec, tree };
}

/** The engines of the bound images of a tree: it may not be on record yet. */
function enginesFor(tree: SeenRoot['tree']): readonly EngineId[] {
  if (tree === undefined || 'unread' in tree) return [];
  return tree.found.references.flatMap(({ decision, engine }) =>
    decision.bound && engine !== undefined ? [engine] : [],
  );
}
