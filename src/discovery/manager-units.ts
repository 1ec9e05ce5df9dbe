import { type BootGraph, bootGraph } from '../systemd/graph/boot-graph.ts';
import type { UserOfUnits } from '../systemd/specifiers.ts';
import type { SystemdUnits } from '../systemd/systemd-unit.ts';
import { readSystemdUnits } from '../systemd/systemd-units.ts';
import { withoutOverridden } from './overridden.ts';
import type { Problem } from './problem.ts';
import { type Quadlets, readQuadlets } from './quadlet/quadlet.ts';
import type { SearchPath } from './quadlet/search-path.ts';
import { serviceImages } from './services/services.ts';
import type { Found, SourceContext } from './source.ts';

export interface ManagerUnits {
  /** What its Quadlet units and plain services name. */
  readonly found: Found;
  readonly quadlets: Quadlets;
  readonly units: SystemdUnits;
  readonly graph: BootGraph;
}

/**
 * All that one of systemd's managers runs, and how it comes to start.
 *
 * @param user whose manager it is; by default the system's.
 * @param configuration that user's own: `/home/eve/.config`.
 */
export async function managerUnits(
  context: SourceContext,
  path: SearchPath,
  user?: UserOfUnits,
  configuration?: string,
): Promise<ManagerUnits> {
  const { root, etc, architecture, additionalStores = [] } = context;
  // A user's podman may have a storage.conf of its own.
  const stores = { additionalStores: user === undefined ? additionalStores : [] };
  const whose = user === undefined ? {} : { user };
  const { directories, skipped } = path;
  const quadlets = await readQuadlets(root, directories, skipped, {
    ...context,
    ...whose,
    ...stores,
  });
  const { generated } = quadlets;
  const manager = user === undefined ? 'system' : 'user';
  const units = readSystemdUnits(root, etc, {
    manager,
    generated,
    architecture,
    configuration,
    ...whose,
  });
  const graph = bootGraph(units);
  const ofQuadlet = withoutOverridden(quadlets, units);
  const ofServices = await serviceImages({ ...context, ...stores }, units, graph.started, user);
  const found = {
    references: [...ofQuadlet.references, ...ofServices.references],
    problems: [...ofQuadlet.problems, ...ofServices.problems],
  };
  return { found, quadlets, units, graph };
}

/** What went wrong with the manager's own units; complete only after the last look at its graph. */
export function problemsOfManager({ graph, units }: ManagerUnits): readonly Problem[] {
  return [...graph.problems, ...units.problems];
}
