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
  /** The root's, in systemd's spelling: `x86-64`. */
  readonly architecture: string;
  /** How much text the root's variables and specifiers may still make. */
  readonly allowance: Allowance;
  readonly etc: Etc;
  /** Whose manager runs the units; absent for the system's. */
  readonly user?: UserOfUnits;
  /** The stores beside podman's own that the root's storage.conf names. */
  readonly additionalStores?: readonly string[];
}

export interface Quadlets {
  readonly references: readonly Reference[];
  readonly problems: readonly Problem[];
  /** By file name: every unit that was read, those without an image too. */
  readonly units: ReadonlyMap<string, QuadletUnit>;
  /** The services that the generator makes, for the boot graph. */
  readonly generated: readonly GeneratedUnit[];
  /** Unit files that are not read, since another of the same name goes before. */
  readonly hidden: ReadonlyMap<string, string>;
}

/**
 * The images that the Quadlet units below some directories name, as those of the system's manager.
 *
 * @param directories in the order of precedence; what is below them counts with them.
 * @param skipped real paths that are left out with all below them.
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
    const found = unit.type === 'kube' ? await ofKube(unit, context) : imagesOf(unit, context);
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

async function ofKube(unit: QuadletUnit, context: ReferenceContext): Promise<Found> {
  if (unit.masked) return { references: [], problems: [] };
  const refusal = refusalOf(unit, context.units);
  if (refusal !== undefined) return { references: [], problems: [refusal] };
  return kubeImages(unit, context);
}
