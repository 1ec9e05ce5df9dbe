import { posix } from 'node:path';
import type { Problem, ProblemSubject } from '../common/problem.ts';
import { discover, type EngineChoice } from '../discovery/discover.ts';
import type { BindMode, BoundLink, Discovered } from '../discovery/reference.ts';
import type { StorageSettings } from '../discovery/storage-conf.ts';
import type { Self } from '../discovery/users/self.ts';
import { hostPlatform, type Platform, systemdArchitecture } from '../image/platform.ts';
import { readShortNames } from '../registry/registries-conf.ts';
import { architectureOf } from '../root/elf.ts';
import type { Root } from '../root/root.ts';
import { type EngineArchive, type ReadReference, readArchives } from './archives.ts';
import { areGlobsSpent, type Decision, decide, type Policy, policyOf } from './bind.ts';
import { mostSteps } from './glob.ts';
import { type FoundLock, readLock } from './lock.ts';
import type { BindingProblemCode } from './problem-code.ts';

/** All references of a root, and the decisions of the binding policy about them. */
export interface Survey {
  readonly location: string;
  /** The platform that the root's programs are built for; this machine's if they don't tell. */
  readonly platform: Platform;
  readonly references: readonly BoundReference[];
  /** All problems, including those of references. */
  readonly problems: readonly SurveyProblem[];
  readonly policy: Policy;
  readonly links: readonly BoundLink[];
  /** The archives of the root that fill engines. */
  readonly archives: readonly EngineArchive[];
  readonly lock: FoundLock;
  readonly storage: StorageSettings;
  /** The user for whom the root was read. */
  readonly self?: Self | undefined;
  /** The users in the root's passwd whose podman runs images. */
  readonly accounts: Discovered['accounts'];
  readonly withoutHandover: Discovered['withoutHandover'];
}

export interface BoundReference extends ReadReference {
  readonly decision: Decision;
}

export interface BoundProblem<Code extends string = string> extends Problem<Code> {
  /** Whether the problem concerns something bound. The root is not ready as long as it lasts. */
  readonly bound: boolean;
}

/** A problem that a survey or its bindings report. */
export type SurveyProblem = BoundProblem<BindingProblemCode>;

export interface SurveyOptions {
  /** The value of `--bind`. */
  readonly bind: BindMode | undefined;
  /** The places of Compose files in roots, from the running system's berth.toml. */
  readonly compose: readonly string[];
  readonly engines?: EngineChoice;
  /** The user for whom the root is read; nobody by default. */
  readonly self?: Self | undefined;
}

/** Reads a root and decides which references are bound. Needs no network and no engine. */
export async function survey(
  root: Root,
  { bind, compose, engines, self }: SurveyOptions,
): Promise<Survey> {
  const { shortNames, problems: nameProblems } = await namesFor(self, root);
  const inOthers = new Map<string, ReturnType<typeof shortNamesIn>>();
  const namesIn = (path: string) => {
    // Many units may name one file.
    const names = inOthers.get(path) ?? shortNamesIn(root, path, self);
    inOthers.set(path, names);
    return names;
  };
  const platform = platformOf(root);
  const architecture = systemdArchitecture(platform);
  const discovered = await discover(root, {
    shortNames,
    shortNamesIn: namesIn,
    architecture,
    compose,
    self,
    ...(engines === undefined ? {} : { engines }),
  });
  const policy = policyOf(discovered.policy, discovered.links, bind);
  const read = await readArchives(root, discovered.references, platform);
  const references = read.references.map((reference) => ({
    ...reference,
    decision: decide(reference, policy),
  }));
  const lock = await readLock(root);
  const isAnyBound = references.some(({ decision }) => decision.bound);
  return {
    location: root.location,
    platform,
    references,
    problems: [
      ...[...nameProblems, ...discovered.problems].map((problem) => ({
        ...problem,
        bound: isSerious(problem) && decide(problem.subject, policy).bound,
      })),
      ...[lock.problem, discovered.storage.problem].flatMap((problem) =>
        problem === undefined ? [] : [{ ...problem, bound: isAnyBound && problem.note !== true }],
      ),
      ...references.flatMap(({ problems, decision }) =>
        problems.map((problem) => ({ ...problem, bound: decision.bound })),
      ),
      ...tooManyGlobs(policy),
    ],
    policy,
    links: discovered.links,
    archives: read.archives,
    lock,
    storage: discovered.storage,
    self,
    accounts: discovered.accounts,
    withoutHandover: discovered.withoutHandover,
  };
}

/** The problem of a policy whose globs take too long: nobody knows what is bound. */
function tooManyGlobs(policy: Policy): readonly SurveyProblem[] {
  if (!areGlobsSpent(policy)) return [];
  return [
    {
      code: 'too-large',
      path: policy.path ?? '/',
      message: `expected globs in include and exclude that are compared with all units in at most ${mostSteps} steps, found more`,
      hint: 'write fewer and shorter globs; what is bound is not known',
      bound: true,
    },
  ];
}

/** The short names of a root, with the aliases that the podman of the user remembers, else root's podman. */
async function namesFor(self: Self | undefined, root: Root, registriesConf?: string) {
  if (self?.alone !== true || self.uid === 0) return readShortNames(root, registriesConf);
  const cache = self.cache ?? posix.join(self.home, '.cache');
  const { shortNames, problems } = await readShortNames(root, registriesConf, cache);
  return { shortNames: { ...shortNames, rememberedBy: self.engine }, problems };
}

/** The short names by a registries.conf that a unit of the root names for its podman. */
async function shortNamesIn(root: Root, path: string, self: Self | undefined) {
  const { shortNames, problems } = await namesFor(self, root, path);
  const [problem] = problems;
  if (problem === undefined) return { shortNames };
  const { message, hint } = problem;
  return { fault: { code: 'short-name', message: `${problem.path}: ${message}`, hint } as const };
}

function platformOf(root: Root): Platform {
  const host = hostPlatform();
  const architecture = architectureOf(root);
  if (architecture === undefined || architecture === host.architecture) return host;
  return { os: 'linux', architecture };
}

function isSerious<P extends Problem>(problem: P): problem is P & { subject: ProblemSubject } {
  return problem.subject !== undefined && problem.note !== true;
}
