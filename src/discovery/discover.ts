import { posix } from 'node:path';
import type { ShortNames } from '../image/short-names.ts';
import type { Problem } from '../problem.ts';
import type { Root } from '../root/root.ts';
import { type BootGraph, bootGraph } from '../systemd/boot-graph.ts';
import { etcDirectory } from '../systemd/etc.ts';
import { readSystemdUnits } from '../systemd/systemd-units.ts';
import { readBindPolicy } from './bind-policy.ts';
import { boundLinks, type KnownFiles } from './bound-links.ts';
import { composeImages } from './compose/compose.ts';
import { pauseImages } from './kubernetes/pause-image.ts';
import { pinnedImageSets } from './kubernetes/pinned-image-set.ts';
import { staticPods } from './kubernetes/static-pods.ts';
import { lists } from './lists.ts';
import { withoutOverridden } from './overridden.ts';
import { podMembers } from './quadlet/pods.ts';
import { type Quadlets, readQuadlets } from './quadlet/quadlet.ts';
import { searchPath } from './quadlet/search-path.ts';
import { userUnitProblems } from './quadlet/user-units.ts';
import type { Discovered, Reference } from './reference.ts';
import { serviceImages } from './services/services.ts';
import type { SourceContext } from './source.ts';

export interface DiscoveryContext {
  /** From the root's own registries.conf. */
  readonly shortNames: ShortNames;
  /** The root's, in systemd's spelling: `x86-64`, `arm64`. */
  readonly architecture: string;
  /** Where compose files lie, as the running system's configuration says; by default nowhere. */
  readonly compose?: readonly string[];
}

/**
 * Everything that a root says about images, and how the units that say it come to start, in an
 * order that depends on nothing but the root. What can't be read is among the problems.
 *
 * @throws {RootError} only if not even the root's top can be read.
 */
export async function discover(
  root: Root,
  { shortNames, architecture, compose = [] }: DiscoveryContext,
): Promise<Discovered> {
  const etc = etcDirectory(root);
  const context: SourceContext = { root, etc, shortNames, architecture };
  const path = searchPath(root, etc);
  const quadlets = await readQuadlets(root, path.system, path.isOfUsers, context);
  const { generated } = quadlets;
  const units = readSystemdUnits(root, etc, { manager: 'system', generated, architecture });
  const graph = bootGraph(units);
  const found = [
    withoutOverridden(quadlets, units),
    { references: [], problems: userUnitProblems(root, etc, path.users) },
    await serviceImages(context, units, graph.started),
    await staticPods(context),
    await pauseImages(context),
    await pinnedImageSets(context),
    await lists(context),
    await composeImages(context, compose),
  ];
  const references = found.flatMap((source) => source.references);
  const problems = found.flatMap((source) => source.problems);
  const { policy, problems: policyProblems } = await readBindPolicy(root, etc);
  const bound = boundLinks(context, knownFiles(quadlets, references, problems));
  const all = [...problems, ...bound.problems, ...policyProblems, ...graph.problems];
  return {
    references: [...references, ...bound.references]
      .map((reference) => started(reference, graph))
      .toSorted(byPlace),
    problems: [...all, ...units.problems]
      .map((problem) => startedSubject(problem, graph))
      .toSorted(byFile),
    links: bound.links,
    policy,
  };
}

/** What no unit of systemd's brings up keeps what its source says of it. */
function started(reference: Reference, graph: BootGraph): Reference {
  const { activation, scope, unit, problems } = reference;
  if (activation !== 'unknown' || scope !== 'system' || !unit.endsWith('.service')) {
    return reference;
  }
  const { activation: how, via, conditions } = graph.startOf(unit);
  return {
    ...reference,
    activation: how,
    via,
    ...(conditions.length === 0 ? {} : { conditions }),
    problems: problems.map((problem) => startedSubject(problem, graph)),
  };
}

function startedSubject(problem: Problem, graph: BootGraph): Problem {
  const { subject } = problem;
  if (subject?.activation !== undefined || subject?.unit.endsWith('.service') !== true) {
    return problem;
  }
  const { activation } = graph.startOf(subject.unit);
  return activation === 'unknown' ? problem : { ...problem, subject: { ...subject, activation } };
}

function knownFiles(
  { units, hidden }: Quadlets,
  references: readonly Reference[],
  problems: readonly Problem[],
): KnownFiles {
  const read = () =>
    new Set([
      ...Array.from(units.values(), (unit) => unit.realPath),
      ...references.flatMap(({ unitPath, unitRealPath = unitPath }) => [unitPath, unitRealPath]),
      ...problems.flatMap(({ subject }) => (subject === undefined ? [] : [subject.unitPath])),
    ]);
  // Most roots have no link that binds, and then need not know this.
  let known: ReadonlySet<string> | undefined;
  return {
    isRead: (path) => (known ??= read()).has(path),
    isMasked: (path) => hidden.has(path) && units.get(posix.basename(path))?.masked === true,
    hiddenBy: (path) => hidden.get(path),
    members: (path) => podMembers(units, path),
  };
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
