import { append } from '../../common/append.ts';
import type { ShortNames } from '../../image/short-names.ts';
import type { Root } from '../../root/root.ts';
import type { Etc } from '../../systemd/etc.ts';
import { list } from '../../systemd/lookup.ts';
import type { UserOfUnits } from '../../systemd/specifiers.ts';
import type { GeneratedUnit } from '../../systemd/systemd-unit.ts';
import type { Allowance } from '../allowance.ts';
import type { ContainersConf } from '../containers-conf.ts';
import type { Placement } from '../engines/placement.ts';
import { podmanOfService, type UserContext } from '../engines/podman-of-user.ts';
import { namesOnEngine } from '../engines/short-names.ts';
import { Expander } from '../expander.ts';

import { podmanEnvironment, withAuthFile } from '../podman-environment.ts';
import type { Problem } from '../problem.ts';
import type { Reference } from '../reference.ts';
import type { Found, ReadShortNames } from '../source.ts';
import type { Accounts } from '../users/accounts.ts';
import { BaseReader } from './base-references.ts';
import { generatedUnits } from './generated.ts';
import { kubeImages } from './kube.ts';
import { type LostUnit, loadUnits } from './load.ts';
import { imagesOf, type ReferenceContext } from './references.ts';
import { refusalOf } from './refusal/refusal.ts';
import type { Units } from './refusal/refused.ts';
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
  /** The users in the root's own passwd. */
  readonly accounts: Accounts;
  /** The podman of the user whose manager runs the units. */
  readonly podman: Placement;
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
   *
   * @param complete adds to a reference what the unit's file alone does not tell.
   */
  readonly images: (
    services: QuadletServices,
    complete?: (reference: Reference) => Reference,
  ) => Promise<Found>;
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
    accounts,
    podman,
    user,
    additionalStores = [],
    containersConf,
  }: QuadletContext,
): Quadlets {
  const walk = walkUnitDirectories(root, etc, directories, skipped);
  const loaded = loadUnits(root, etc, walk.directories);
  const byName = loaded.units;
  const all = [...byName.values()];
  const units = { byName, refusedNetworks: refusedNetworks(all, byName) };
  const refusals = refusalsOf(all, units);
  const context: Context = {
    units,
    imageUnits: new Map(),
    shortNames,
    shortNamesIn,
    root,
    etc,
    allowance,
    accounts,
    podman,
    additionalStores,
    containersConf,
    bases: new BaseReader(architecture, allowance),
    expander: new Expander({ root, etc, architecture, allowance }, user),
  };
  const images: Quadlets['images'] = async (services, complete = asFound) => {
    const found: Findings = {
      references: [],
      problems: [...walk.problems, ...loaded.problems],
      complete,
    };
    await addImages(all, refusals, services, context, found);
    await addLost(loaded.lost, context, found);
    return found;
  };
  const made = all.filter((unit) => makesService(unit, refusals));
  const generated = generatedUnits(made, byName);
  return { images, units: loaded.units, hidden: loaded.hidden, generated };
}

/** The reasons for which podman's generator refuses units, by the name of the unit. */
function refusalsOf(all: readonly QuadletUnit[], units: Units): ReadonlyMap<string, Problem> {
  const refusals = new Map<string, Problem>();
  for (const unit of all) {
    const refusal = unit.masked ? undefined : refusalOf(unit, units);
    if (refusal !== undefined) refusals.set(unit.name, refusal);
  }
  return refusals;
}

interface Context extends ReferenceContext, UserContext {
  readonly shortNamesIn?: ReadShortNames | undefined;
  readonly allowance: Allowance;
  /** Filled while `.image` units are read. */
  readonly imageUnits: Map<string, Reference>;
}

interface Findings {
  readonly references: Reference[];
  readonly problems: Problem[];
  readonly complete: (reference: Reference) => Reference;
}

function asFound(reference: Reference): Reference {
  return reference;
}

/** Adds the images of units, those of `.image` units first: other units may refer to these. */
async function addImages(
  all: readonly QuadletUnit[],
  refusals: ReadonlyMap<string, Problem>,
  { ofUnit }: QuadletServices,
  context: Context,
  { references, problems, complete }: Findings,
): Promise<void> {
  const isImage = ({ type }: QuadletUnit) => type === 'image';
  for (const unit of [...all.filter(isImage), ...all.filter((unit) => !isImage(unit))]) {
    const refusal = refusals.get(unit.name);
    if (refusal !== undefined) {
      if (unit.type !== 'network') problems.push(refusal);
    } else {
      for (const service of ofUnit(unit)) {
        if (context.allowance.isFull) break;
        const given = imagesOfService(service, context);
        // Most services have no variables and are read at once: a wait for each takes time and memory.
        const found = given instanceof Promise ? await given : given;
        // Each at once: all references twice would take megabytes.
        append(references, context.allowance.admit(found.references.map(complete)));
        append(problems, context.allowance.admitProblems(found.problems));
        const reference = isImage(unit) ? found.references[0] : undefined;
        if (reference !== undefined) context.imageUnits.set(unit.name, reference);
      }
    }
    append(problems, context.allowance.admitProblems(ownSectionProblems(unit)));
    if (context.allowance.isFull) break;
  }
}

/**
 * Adds the images of units that never start because a file beside them is broken, with the problem of
 * that file.
 */
async function addLost(
  lost: readonly LostUnit[],
  context: Context,
  { references, problems, complete }: Findings,
): Promise<void> {
  for (const { unit, problem } of lost) {
    if (context.allowance.isFull) break;
    const refusal = unit.masked ? undefined : refusalOf(unit, context.units);
    const found = refusal === undefined ? await imagesIn(unit, context) : nothing;
    const refused = found.references.map((reference) =>
      complete({ ...reference, problems: [problem, ...reference.problems] }),
    );
    append(references, context.allowance.admit(refused));
    if (found.references.length === 0) problems.push(problem);
  }
}

/** The `.network` units of which podman makes no service. */
function refusedNetworks(
  all: readonly QuadletUnit[],
  byName: ReadonlyMap<string, QuadletUnit>,
): ReadonlySet<string> {
  const units = { byName, refusedNetworks: new Set<string>() };
  const refused = all.filter(
    (unit) => unit.type === 'network' && refusalOf(unit, units) !== undefined,
  );
  return new Set(refused.map(({ name }) => name));
}

/**
 * Whether podman makes a service of a unit. Masked volumes, networks and pods get one, with
 * defaults.
 */
function makesService(unit: QuadletUnit, refusals: ReadonlyMap<string, Problem>): boolean {
  const byItself = ['volume', 'network', 'pod'].includes(unit.type);
  return unit.masked ? byItself : !refusals.has(unit.name);
}

/** The images of one service of a unit, as the variables of that service change them. */
function imagesOfService(service: QuadletUnit, ofManager: Context): Found | Promise<Found> {
  const context = ofItsUser(service, ofManager);
  return context.expander.hasEnvironment(serviceOf(service))
    ? imagesByVariables(service, context)
    : imagesIn(service, context);
}

async function imagesByVariables(service: QuadletUnit, context: Context): Promise<Found> {
  const environment = await podmanEnvironment(serviceOf(service), context);
  const { shortNames = context.shortNames, faults } = environment;
  const { containersConf = context.containersConf } = environment;
  const own = { ...context, shortNames, containersConf };
  const { references, problems } = await imagesIn(service, own);
  const [at] = list(serviceOf(service).entries, 'Service', 'Environment');
  return {
    references: references.map((reference) => withAuthFile(reference, environment)),
    problems: [...problems, ...faults.map((fault) => problemOfUnit(service, at, fault))],
  };
}

/** The context of a service's podman: the aliases that root's podman remembers are not those of `User=`. */
function ofItsUser(service: QuadletUnit, context: Context): Context {
  // Most roots have no such aliases.
  if (context.shortNames.remembered === undefined) return context;
  const { engine } = podmanOfService(serviceOf(service), context);
  return { ...context, ...namesOnEngine(engine, context) };
}

const nothing: Found = { references: [], problems: [] };

function imagesIn(unit: QuadletUnit, context: ReferenceContext): Found | Promise<Found> {
  if (unit.masked && unit.type === 'kube') return nothing;
  return unit.type === 'kube' ? kubeImages(unit, context) : imagesOf(unit, context);
}
