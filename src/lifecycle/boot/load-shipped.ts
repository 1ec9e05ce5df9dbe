import { asRecorded, onlyOn, wantedOf } from '../../binding/wanted.ts';
import type { EngineId } from '../../common/engine-id.ts';
import { openShipped } from '../../oci/local-images.ts';
import { RegistryError } from '../../registry/errors.ts';
import { type Registry } from '../../registry/registry.ts';
import type { Root } from '../../root/root.ts';
import { bindOf, type RecordImage } from '../../state/record.ts';
import { type Context, readingFor } from '../context.ts';
import { type PlannedRoot, planStage } from '../plan/plan.ts';
import { readSituation, type Situation } from '../situation.ts';
import { type Staged, stage } from '../stage/stage.ts';
import { waitingContents } from '../waiting.ts';

export interface LoadOptions {
  /** The places of Compose files in roots. */
  readonly compose: readonly string[];
  /** The engines into which images are loaded. */
  readonly engines: ReadonlySet<EngineId>;
}

/**
 * Stages a root without a network, from the images that the root ships or has in archives, or that were
 * downloaded and wait: at a root's first boot there is neither a record nor an image. If the record is
 * whole, there is nothing to do. If images of the record are gone, the same digests are loaded again, if
 * shipped.
 *
 * @param root stays open, as the images are read from it.
 * @param registry is asked for nothing but policy.json.
 * @returns undefined if there was nothing to do, or the root ships nothing.
 * @throws {RegistryError} if the shipped images are damaged; {BerthError} as `stage`.
 */
export async function loadShipped(
  context: Context,
  registry: Registry,
  root: Root,
  planned: PlannedRoot,
  options: LoadOptions,
): Promise<Staged | undefined> {
  const { compose, engines } = options;
  const looked = { exactly: engines };
  const found = await readSituation(context, looked);
  const record = found.records.get(planned.id);
  const waits = waitingContents(record, found) !== undefined;
  const isHere = ({ engine, id }: RecordImage) =>
    found.engines.get(engine)?.images.has(id) !== false;
  const isLeft = record?.staged?.leftOut?.some((engine) => engines.has(engine)) === true;
  if (record?.staged?.images.every(isHere) === true && !isLeft) return undefined;
  const all = await wantedOf(root, {
    ...readingFor(context),
    bind: bindOf(record),
    compose,
    isBooting: true,
  });
  const hasImages = openShipped(root) !== undefined || all.archives.length > 0;
  if (!hasImages && !waits) return undefined;
  const wanted = onlyOn(engines, all);
  const plan = (situation: Situation) => {
    const before = situation.records.get(planned.id);
    const offline = withoutNetwork(registry);
    const kept = before === undefined ? wanted : asRecorded(wanted, before);
    return planStage(context, offline, situation, planned, kept);
  };
  return stage(context, { id: planned.id, engines, isPart: true, plan });
}

function withoutNetwork(registry: Registry): Registry {
  const refuse = async (name: string): Promise<never> => {
    throw new RegistryError('not-found', `${name} is not among the images that the root ships`, {
      hint: 'ship it with `berth ship` when the root is built, or stage the root over a network',
    });
  };
  return {
    permit: (image, access, options) =>
      registry.permit(image, access, { ...options, offline: true }),
    signatures: async () => [],
    foresee: (name, judge) => registry.foresee(name, judge),
    resolve: refuse,
    resolveAll: refuse,
    manifest: refuse,
    download: refuse,
    credentials: async () => undefined,
    quickestReply: async () => undefined,
    isLimited: async () => false,
    close: () => registry.close(),
  };
}
