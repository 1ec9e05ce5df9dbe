import { append } from '../../common/append.ts';
import type { ShortNames } from '../../image/short-names.ts';
import type { Root } from '../../root/root.ts';
import type { Etc } from '../../systemd/etc.ts';
import { list } from '../../systemd/lookup.ts';
import type { UserOfUnits } from '../../systemd/specifiers.ts';
import type { GeneratedUnit } from '../../systemd/systemd-unit.ts';
import type { Allowance } from '../allowance.ts';
import type { ContainersConf } from '../containers-conf.ts';
import { Expander } from '../expander.ts';
import { podmanEnvironment, withAuthFile } from '../podman-environment.ts';
import type { Problem } from '../problem.ts';
import type { Reference } from '../reference.ts';
import type { Found, ReadShortNames } from '../source.ts';
import { BaseReader } from './base-references.ts';
import { generatedUnits } from './generated.ts';
import { kubeImages } from './kube.ts';
import { loadUnits } from './load.ts';
import { imagesOf, type ReferenceContext } from './references.ts';
import { makesService, refusalOf } from './refusal/refusal.ts';
import { problemOfUnit, type QuadletUnit, serviceOf } from './unit.ts';
import { type Skipped, walkUnitDirectories } from './walk.ts';
import { ownSectionProblems } from './x-berth.ts';

export interface QuadletContext {
  readonly shortNames: ShortNames;
  readonly shortNamesIn?: ReadShortNames | undefined;
  /** The root's architecture in systemd's spelling: `x86-64`. */
  readonly architecture: string;
  /** Bounds the text that the root's variables and specifiers may expand to. */
  readonly allowance: Allowance;
  readonly etc: Etc;
  /** The user whose manager runs the units; absent for the system's manager. */
  readonly user?: UserOfUnits;
  /** The additional image stores that the root's storage.conf names. */
  readonly additionalStores?: readonly string[];
  /** The root's containers.conf. */
  readonly containersConf?: ContainersConf | undefined;
}

export interface Quadlets {
  /**
   * Finds the images that the units name, and their problems. All references have the scope
   * `system`.
   */
  readonly images: (services: QuadletServices) => Promise<Found>;
  /** All units that were read, by file name, including units without an image. */
  readonly units: ReadonlyMap<string, QuadletUnit>;
  /** The services that the generator makes, for the boot graph. */
  readonly generated: readonly GeneratedUnit[];
  /**
   * The path of each hidden unit file, with the path of the file of the same name that hides it.
   */
  readonly hidden: ReadonlyMap<string, string>;
}

/** The services that systemd makes of Quadlet units. */
export interface QuadletServices {
  /**
   * The unit as each service that comes of it: several for a template with instances, none if
   * systemd runs no command of podman's generator in it.
   */
  readonly ofUnit: (unit: QuadletUnit) => readonly QuadletUnit[];
}

/** The services of Quadlet units that nothing but their own files changes. */
export const asWritten: QuadletServices = { ofUnit: (unit) => [unit] };

/** The files of Quadlet units. Their references are kept elsewhere, and need not be kept twice. */
export type QuadletFiles = Pick<Quadlets, 'units' | 'hidden'>;

/**
 * Reads Quadlet units, and says which services podman's generator makes of them.
 *
 * @param directories the search directories in the order of precedence; subdirectories are
 *   searched, too.
 * @param skipped says which directories are left out, with everything below them.
 */
export function readQuadlets(
  root: Root,
  directories: readonly string[],
  skipped: Skipped,
  {
    shortNames,
    shortNamesIn,
    architecture,
    allowance,
    etc,
    user,
    additionalStores = [],
    containersConf,
  }: QuadletContext,
): Quadlets {
  const walk = walkUnitDirectories(root, etc, directories, skipped);
  const loaded = loadUnits(root, etc, walk.directories);
  const byName = loaded.units;
  const all = [...byName.values()];
  const networks = all.filter(
    (unit) =>
      unit.type === 'network' &&
      refusalOf(unit, { byName, refusedNetworks: new Set() }) !== undefined,
  );
  const imageUnits = new Map<string, Reference>();
  const context = {
    units: { byName, refusedNetworks: new Set(networks.map((unit) => unit.name)) },
    imageUnits,
    shortNames,
    shortNamesIn,
    root,
    etc,
    additionalStores,
    containersConf,
    bases: new BaseReader(architecture, allowance),
    expander: new Expander({ root, etc, architecture, allowance }, user),
  };
  const images = async ({ ofUnit }: QuadletServices): Promise<Found> => {
    const references: Reference[] = [];
    const problems: Problem[] = [...walk.problems, ...loaded.problems];
    const rest = all.filter((unit) => unit.type !== 'image');
    for (const unit of [...all.filter((unit) => unit.type === 'image'), ...rest]) {
      for (const service of ofUnit(unit)) {
        const environment = await podmanEnvironment(serviceOf(service), context);
        const own =
          environment.shortNames === undefined
            ? context
            : { ...context, shortNames: environment.shortNames };
        const found =
          unit.type === 'kube' ? await imagesOfKube(service, own) : imagesOf(service, own);
        for (const named of found.references) {
          const reference = withAuthFile(named, environment);
          references.push(reference);
          if (unit.type === 'image') imageUnits.set(unit.name, reference);
        }
        append(problems, found.problems);
        const [at] = list(serviceOf(service).entries, 'Service', 'Environment');
        append(
          problems,
          environment.faults.map((fault) => problemOfUnit(service, at, fault)),
        );
      }
      append(problems, ownSectionProblems(unit));
    }
    for (const { unit, problem } of loaded.lost) {
      const found =
        unit.type === 'kube' ? await imagesOfKube(unit, context) : imagesOf(unit, context);
      // The images are named all the same, by a unit that nothing starts.
      for (const reference of found.references) {
        references.push({ ...reference, problems: [problem, ...reference.problems] });
      }
      if (found.references.length === 0) problems.push(problem);
    }
    return { references, problems };
  };
  const made = all.filter((unit) => makesService(unit, context.units));
  const generated = generatedUnits(made, byName);
  return { images, units: loaded.units, hidden: loaded.hidden, generated };
}

async function imagesOfKube(unit: QuadletUnit, context: ReferenceContext): Promise<Found> {
  if (unit.masked) return { references: [], problems: [] };
  const refusal = refusalOf(unit, context.units);
  if (refusal !== undefined) return { references: [], problems: [refusal] };
  return kubeImages(unit, context);
}
