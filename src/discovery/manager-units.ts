import { fstabUnits } from '../systemd/at-boot/fstab-units.ts';
import { type KernelArguments, readKernelArguments } from '../systemd/at-boot/kernel-arguments.ts';
import { rcLocalUnits } from '../systemd/at-boot/rc-local.ts';
import { sysvUnits } from '../systemd/at-boot/sysv-units.ts';
import { type BootGraph, bootGraph } from '../systemd/graph/boot-graph.ts';
import type { UserOfUnits } from '../systemd/specifiers.ts';
import type { SystemdUnits } from '../systemd/systemd-unit.ts';
import { readSystemdUnits } from '../systemd/systemd-units.ts';
import { parseUnitName, withInstance } from '../systemd/unit-name.ts';
import type { OwnDirectories } from '../systemd/unit-search-path.ts';
import { type Placement, placed } from './engines/placement.ts';
import { podmanOfService } from './engines/podman-of-user.ts';
import { Expander } from './expander.ts';
import { withoutOverridden } from './overridden.ts';
import type { Problem } from './problem.ts';
import { loadedServices } from './quadlet/loaded-services.ts';
import { type QuadletFiles, readQuadlets } from './quadlet/quadlet.ts';
import type { SearchPath } from './quadlet/search-path.ts';
import type { Reference } from './reference.ts';
import { serviceImages } from './services/services.ts';
import type { Found, SourceContext } from './source.ts';
import { started } from './started.ts';

/** The units of one manager of systemd, as read from all sources. */
export interface ManagerUnits {
  /**
   * The references and problems of its Quadlet units and plain services; those of the system's manager
   * say already how they start.
   */
  readonly found: Found;
  readonly quadlets: QuadletFiles;
  readonly units: SystemdUnits;
  readonly graph: BootGraph;
}

/**
 * Reads all units that one manager of systemd runs, and how they come to start.
 *
 * @param user the user whose manager it is; the system's manager by default.
 * @param own the directories of the user, if it is a single one.
 */
export async function managerUnits(
  context: SourceContext,
  path: SearchPath,
  user?: UserOfUnits,
  own?: OwnDirectories,
): Promise<ManagerUnits> {
  const { root, etc, architecture, additionalStores = [] } = context;
  // A user's podman may have a storage.conf of its own.
  const stores = { additionalStores: user === undefined ? additionalStores : [] };
  const userOption = user === undefined ? {} : { user };
  const { directories, skipped } = path;
  const quadlets = readQuadlets(root, directories, skipped, {
    ...context,
    ...userOption,
    ...stores,
  });
  const { generated } = quadlets;
  const manager = user === undefined ? 'system' : 'user';
  const ofSystem =
    user === undefined
      ? {
          generated: [
            ...generated,
            ...fstabUnits(root, etc),
            ...sysvUnits(
              root,
              etc,
              generated.map(({ name }) => name),
            ),
          ],
          kernel: await startedBeside(context),
        }
      : { generated };
  const units = readSystemdUnits(root, etc, {
    manager,
    architecture,
    own,
    extensions: context.extensions,
    ...ofSystem,
    ...userOption,
  });
  const graph = bootGraph(units);
  const services = loadedServices(units, graph.started);
  const place = quadletPlacing(quadlets, units, {
    ...context,
    expander: new Expander(context, user),
  });
  const complete = (one: Reference) => (user === undefined ? started(one, graph.startOf) : one);
  const images = await quadlets.images(services, (one) => complete(place(one)));
  const fromQuadlet = withoutOverridden(images, units);
  const fromServices = await serviceImages({ ...context, ...stores }, units, graph.started, user);
  const found = {
    references: [...fromQuadlet.references, ...fromServices.references.map(complete)],
    problems: [...fromQuadlet.problems, ...services.problems, ...fromServices.problems],
  };
  const { units: files, hidden } = quadlets;
  return { found, quadlets: { units: files, hidden }, units, graph };
}

/** The units that start with `default.target` although no unit names them. */
async function startedBeside({ root, etc, architecture }: SourceContext): Promise<KernelArguments> {
  const kernel = await readKernelArguments(root, etc, architecture);
  return { ...kernel, wants: [...kernel.wants, ...rcLocalUnits(root, etc)] };
}

/**
 * A function that gives references of Quadlet units their engines. Their services are started as `User=`
 * of [Service] says, which drop-ins of the services may set, too.
 */
function quadletPlacing(
  quadlets: QuadletFiles,
  units: SystemdUnits,
  context: SourceContext & { readonly expander: Expander },
): (reference: Reference) => Reference {
  const byService = new Map(Array.from(quadlets.units.values(), (unit) => [unit.service, unit]));
  return (reference) => {
    const { unit: service } = reference;
    // Thousands of units that nothing changes need not be kept for this.
    const changed = units.isChanged(service) ? units.unit(service) : undefined;
    const { entries = [] } =
      changed ?? byService.get(service) ?? byService.get(templateOf(service)) ?? {};
    const placement = podmanOfService({ service, entries }, context);
    return placed(onOwnStores(reference, placement, context), placement);
  };
}

function templateOf(service: string): string {
  const name = parseUnitName(service);
  return name.instance === undefined ? service : withInstance(name, '').full;
}

/** A reference without the stores of the system's storage.conf, if another podman runs it. */
function onOwnStores(
  reference: Reference,
  { engine }: Placement,
  { additionalStores: ofSystem }: SourceContext,
): Reference {
  if (engine === 'podman' || reference.pull.additionalStores === undefined) return reference;
  const { additionalStores, ...pull } = reference.pull;
  return additionalStores.join('\n') === ofSystem?.join('\n') ? { ...reference, pull } : reference;
}

/** The problems with the manager's units; complete only after the last call of `graph.startOf`. */
export function problemsOfManager({ graph, units }: ManagerUnits): readonly Problem[] {
  return [...graph.problems, ...units.problems];
}
