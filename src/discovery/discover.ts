import type { EngineId } from '../common/engine-id.ts';
import type { ShortNames } from '../image/short-names.ts';
import { assertOsTree } from '../root/os-tree.ts';
import type { Root } from '../root/root.ts';
import { readExtensions } from '../systemd/at-boot/extensions.ts';
import { etcDirectory } from '../systemd/etc.ts';
import { Allowance, tooManyReferences } from './allowance.ts';
import { readBindPolicy } from './bind-policy.ts';
import { boundLinks } from './bound-links.ts';
import { composeImages } from './compose/compose.ts';
import { readContainersConf } from './containers-conf.ts';
import { usedAccounts } from './engines/used-accounts.ts';
import { withoutHandover } from './engines/without-handover.ts';
import { extensionProblems } from './extensions.ts';
import { lists } from './images-d/lists.ts';
import { jobImages } from './jobs/jobs.ts';
import { knownFiles } from './known-files.ts';
import { microshiftImages } from './kubernetes/microshift/microshift.ts';
import { pauseImages } from './kubernetes/pause-image.ts';
import { pinnedImageSets } from './kubernetes/pinned-image-set.ts';
import { k3sImages } from './kubernetes/rancher/k3s.ts';
import { staticPods } from './kubernetes/static-pods.ts';
import { unreadDistributions } from './kubernetes/unread-distributions.ts';
import { managerUnits, problemsOfManager } from './manager-units.ts';
import type { Problem } from './problem.ts';
import { systemSearchPath } from './quadlet/search-path.ts';
import type { Discovered, Reference } from './reference.ts';
import { programFlags } from './services/program-flags.ts';
import type { ReadShortNames, SourceContext } from './source.ts';
import { started, startedSubject } from './started.ts';
import { readStorageConf } from './storage-conf.ts';
import { readAccounts } from './users/accounts.ts';
import type { Self } from './users/self.ts';
import { userUnits } from './users/user-units.ts';
import { withoutPrivate } from './without-private.ts';

/** The facts from outside the units on which discovery depends. */
export interface DiscoveryContext {
  /** The short names in the root's own registries.conf. */
  readonly shortNames: ShortNames;
  /** Reads another registries.conf of the root, which a unit names for its podman. */
  readonly shortNamesIn?: ReadShortNames;
  /** The root's architecture in systemd's spelling: `x86-64`, `arm64`. */
  readonly architecture: string;
  /** The places of Compose files in the root, from the host's configuration; none by default. */
  readonly compose?: readonly string[];
  /** The engines of references whose files don't say who runs them. */
  readonly engines?: EngineChoice;
  /** The user for whom the root is read, and whose home is read as well; nobody by default. */
  readonly self?: Self | undefined;
}

/** The engines that the host's configuration or the caller chooses. */
export interface EngineChoice {
  /** Takes every image, whoever will run it: `store`. */
  readonly all?: EngineId | undefined;
  /** Takes the images of lists whose header does not name an engine; podman by default. */
  readonly lists?: EngineId | undefined;
}

/**
 * Finds all images that a root names, and how the units that name them come to start. The order
 * depends only on the root. Files that can't be read are reported as problems.
 *
 * @throws {RootError} `not-a-root`, or if the root's top directory itself can't be read.
 */
export async function discover(
  root: Root,
  { shortNames, shortNamesIn, architecture, compose = [], engines = {}, self }: DiscoveryContext,
): Promise<Discovered> {
  assertOsTree(root);
  const etc = etcDirectory(root);
  const storage = await readStorageConf(root, etc);
  const { additionalStores } = storage;
  const containersConf = await readContainersConf(root, etc);
  const extensions = readExtensions(root, etc, architecture);
  const allowance = new Allowance();
  const accounts = readAccounts({ root, etc });
  const context: SourceContext = {
    root,
    etc,
    shortNames,
    shortNamesIn,
    architecture,
    allowance,
    accounts,
    podman: { engine: 'podman' },
    additionalStores,
    containersConf,
    extensions,
  };
  const system = await managerUnits(context, systemSearchPath(root, etc, extensions));
  const flagsOf = (unit: string) => programFlags(unit, system.units, context);
  const users = await userUnits(context, self);
  const beside = [
    await jobImages(context, system.units, system.graph.startOf),
    await staticPods(context, flagsOf),
    await microshiftImages(context, flagsOf),
    await k3sImages(context, flagsOf),
    unreadDistributions(flagsOf),
    await pauseImages(context, flagsOf),
    await pinnedImageSets(context, flagsOf),
    await lists(context, engines.lists),
    await composeImages(context, compose),
  ];
  const others = beside.flatMap((source) => source.references);
  const problems = [system.found, ...beside].flatMap((source) => source.problems);
  const { policy, problems: policyProblems } = await readBindPolicy(root, etc);
  const known = {
    references: [...system.found.references, ...others, ...users.references],
    problems: [...problems, ...users.problems],
  };
  const bound = boundLinks(context, knownFiles([system.quadlets, ...users.quadlets], known));
  const { startOf } = system.graph;
  const unquoted = withoutPrivate(root, self);
  const systemReferences = [
    ...system.found.references,
    ...[...others, ...bound.references].map((one) => started(one, startOf)),
  ];
  const ofSystem = [
    ...problems,
    ...bound.problems,
    ...problemsOfManager(system),
    ...extensionProblems(context),
  ];
  const all = [
    ...(self?.alone === true ? [] : ofSystem),
    ...policyProblems,
    ...(allowance.isCut ? [tooManyReferences] : []),
  ];
  const problem = storage.problem ?? containersConf.problem;
  const allReferences = [...systemReferences, ...users.references]
    .map((one) => onEngine(one, engines.all))
    .filter((one) => self?.alone !== true || isOf(self, one))
    // Most references have no problem, and a copy of each would cost memory.
    .map((one) =>
      one.problems.length === 0 ? one : { ...one, problems: one.problems.map(unquoted) },
    )
    .toSorted(byPlace);
  return {
    references: allReferences,
    accounts: usedAccounts(allReferences, accounts),
    withoutHandover: withoutHandover(
      allReferences.flatMap(({ engine }) => engine ?? []),
      system.units,
    ),
    problems: [...all.map((problem) => startedSubject(problem, startOf)), ...users.problems]
      .map(unquoted)
      .toSorted(byFile),
    links: bound.links,
    policy,
    storage: problem === undefined ? storage : { ...storage, problem },
  };
}

/** Whether a user runs the image, or a unit of the user names it and nobody knows who runs it. */
function isOf(self: Self, { engine, scope }: Reference): boolean {
  return engine === undefined ? scope !== 'system' : engine === self.engine;
}

/** A reference on the engine that takes every image, if there is such an engine. */
function onEngine(reference: Reference, engine: EngineId | undefined): Reference {
  if (engine === undefined) return reference;
  const problems = reference.problems.filter(({ code }) => code !== 'engine-unknown');
  return { ...reference, engine, problems };
}

function byPlace(a: Reference, b: Reference): number {
  return compare(a.unitPath, b.unitPath) || a.line - b.line;
}

function byFile(a: Problem, b: Problem): number {
  return (
    compare(a.path, b.path) ||
    (a.line ?? 0) - (b.line ?? 0) ||
    compare(a.code, b.code) ||
    compare(a.subject?.unitPath ?? '', b.subject?.unitPath ?? '')
  );
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
