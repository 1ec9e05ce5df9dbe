import { append } from '../../common/append.ts';
import type { ShortNames } from '../../image/short-names.ts';
import type { Root } from '../../root/root.ts';
import type { Etc } from '../../systemd/etc.ts';
import type { UserOfUnits } from '../../systemd/specifiers.ts';
import type { GeneratedUnit } from '../../systemd/systemd-unit.ts';
import type { Allowance } from '../allowance.ts';
import { Expander } from '../expander.ts';
import type { Problem } from '../problem.ts';
import type { Reference } from '../reference.ts';
import type { Found } from '../source.ts';
import { BaseReader } from './base-references.ts';
import { commonRefusal } from './common-refusal.ts';
import { generatedUnits } from './generated.ts';
import { kubeImages } from './kube.ts';
import { loadUnits } from './load.ts';
import { imagesOf, type ReferenceContext } from './references.ts';
import { makesService, refusalOf } from './refusal.ts';
import type { QuadletUnit } from './unit.ts';
import { type Skipped, walkUnitDirectories } from './walk.ts';
import { ownSectionProblems } from './x-berth.ts';

export interface QuadletContext {
  readonly shortNames: ShortNames;
  /** The root's architecture in systemd's spelling: `x86-64`. */
  readonly architecture: string;
  /** Bounds the text that the root's variables and specifiers may expand to. */
  readonly allowance: Allowance;
  readonly etc: Etc;
  /** The user whose manager runs the units; absent for the system's manager. */
  readonly user?: UserOfUnits;
  /** The additional image stores that the root's storage.conf names. */
  readonly additionalStores?: readonly string[];
}

export interface Quadlets {
  readonly references: readonly Reference[];
  readonly problems: readonly Problem[];
  /** All units that were read, by file name, including units without an image. */
  readonly units: ReadonlyMap<string, QuadletUnit>;
  /** The services that the generator makes, for the boot graph. */
  readonly generated: readonly GeneratedUnit[];
  /**
   * The path of each hidden unit file, with the path of the file of the same name that hides it.
   */
  readonly hidden: ReadonlyMap<string, string>;
}

/** The files of Quadlet units. Their references are kept elsewhere, and need not be kept twice. */
export type QuadletFiles = Pick<Quadlets, 'units' | 'hidden'>;

/**
 * Finds the images that Quadlet units name. All references have the scope `system`.
 *
 * @param directories the search directories in the order of precedence; subdirectories are
 *   searched, too.
 * @param skipped says which directories are left out, with everything below them.
 */
export async function readQuadlets(
  root: Root,
  directories: readonly string[],
  skipped: Skipped,
  { shortNames, architecture, allowance, etc, user, additionalStores = [] }: QuadletContext,
): Promise<Quadlets> {
  const walk = walkUnitDirectories(root, etc, directories, skipped);
  const loaded = loadUnits(root, etc, walk.directories);
  const byName = loaded.units;
  const all = [...byName.values()];
  const networks = all.filter(
    (unit) => unit.type === 'network' && commonRefusal(unit, byName) !== undefined,
  );
  const imageUnits = new Map<string, Reference>();
  const context = {
    units: { byName, refusedNetworks: new Set(networks.map((unit) => unit.name)) },
    imageUnits,
    shortNames,
    root,
    etc,
    additionalStores,
    bases: new BaseReader(architecture, allowance),
    expander: new Expander({ root, etc, architecture, allowance }, user),
  };
  const references: Reference[] = [];
  const problems: Problem[] = [...walk.problems, ...loaded.problems];
  const rest = all.filter((unit) => unit.type !== 'image');
  for (const unit of [...all.filter((unit) => unit.type === 'image'), ...rest]) {
    const found =
      unit.type === 'kube' ? await imagesOfKube(unit, context) : imagesOf(unit, context);
    for (const reference of found.references) {
      references.push(reference);
      if (unit.type === 'image') imageUnits.set(unit.name, reference);
    }
    append(problems, found.problems);
    append(problems, ownSectionProblems(unit));
  }
  const made = all.filter((unit) => makesService(unit, context.units));
  const generated = generatedUnits(made, byName);
  return { references, problems, units: loaded.units, hidden: loaded.hidden, generated };
}

async function imagesOfKube(unit: QuadletUnit, context: ReferenceContext): Promise<Found> {
  if (unit.masked) return { references: [], problems: [] };
  const refusal = refusalOf(unit, context.units);
  if (refusal !== undefined) return { references: [], problems: [refusal] };
  return kubeImages(unit, context);
}
