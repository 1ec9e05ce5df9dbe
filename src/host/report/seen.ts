import { type Survey, survey } from '../../binding/survey.ts';
import { BerthError } from '../../common/errors.ts';
import type { Deployment, Deployments } from '../../deployment/deployment.ts';
import type { BindMode } from '../../discovery/reference.ts';
import { readingFor } from '../../lifecycle/context.ts';
import type { Situation } from '../../lifecycle/situation.ts';
import type { RootStatus } from '../../lifecycle/status.ts';
import { type Finding, judgeNone } from '../../lifecycle/verify.ts';
import type { SeenRoot } from '../../report/model/root-report.ts';
import type { Root } from '../../root/root.ts';
import { isLiving, type RootRecord } from '../../state/record.ts';
import type { HostContext } from '../context.ts';
import type { Host } from '../host.ts';
import { withRoot } from '../root.ts';

/** What a report is about: all roots of the host, one after the other, or one root and what the others have. */
export interface Seen {
  readonly situation: Situation;
  readonly living: Deployments;
  /** The roots of the report, in its order. A tree is read when its turn comes. */
  readonly roots: () => AsyncIterable<SeenRoot>;
  /** The other roots: they share images with those of the report. */
  readonly others: () => Iterable<SeenRoot>;
}

export interface SeeOptions {
  readonly bind: BindMode | undefined;
  readonly id: string | undefined;
}

export function livingRecords({ records }: Situation): readonly RootRecord[] {
  return [...records.values()].filter(isLiving);
}

/** A root that is not staged. The problems of its tree are part of what the root lacks. */
export function notStaged(
  { id, location, role }: Pick<RootStatus, 'id' | 'location'> & Pick<SeenRole, 'role'>,
  tree: SeenRoot['tree'],
): SeenRoot {
  const problems =
    tree !== undefined && 'found' in tree ? tree.found.problems.filter(({ bound }) => bound) : [];
  const status: RootStatus = {
    id,
    location,
    engines: [],
    ...(role === undefined ? {} : { role }),
    drifted: [],
    state: 'not ready',
    images: [],
    findings: [...judgeNone(), ...problems.map(findingOf)],
  };
  return { status, record: undefined, tree };
}

export interface SeenRole {
  readonly role: RootStatus['role'] | undefined;
}

function findingOf({ code, path, line, message, hint }: Survey['problems'][number]): Finding {
  const place = line === undefined ? path : `${path}:${line}`;
  const problem = { code, path, message, hint, ...(line === undefined ? {} : { line }) };
  return { code: 'problem', message: `${place}: ${message}`, hint, problem };
}

/** Reads a tree of this host, if it can be read without a network. */
export async function readTree(
  host: Host,
  location: string,
  deployment: Deployment | undefined,
  read: (root: Root) => Promise<Survey>,
): Promise<SeenRoot['tree']> {
  try {
    if (deployment !== undefined) return { found: await readDeployment(deployment, read) };
    if (location.startsWith('/')) return { found: await withRoot(host, location, read) };
  } catch (error) {
    if (!(error instanceof BerthError)) throw error;
    return { unread: { message: error.message, hint: error.hint } };
  }
  if (!location.startsWith('image:')) return undefined;
  const message =
    'it is in an OS image, which is read only if a report is asked for it by its name';
  return { unread: { message, hint: `\`berth report ${location}\` reads the image` } };
}

async function readDeployment(
  deployment: Deployment,
  read: (root: Root) => Promise<Survey>,
): Promise<Survey> {
  const root = await deployment.open();
  try {
    return await read(root);
  } finally {
    root.close();
  }
}

/** All that the tree names; with `--engine` or `--user`, only what that engine runs. */
export async function surveyOf(
  root: Root,
  context: HostContext,
  bind: BindMode | undefined,
): Promise<Survey> {
  const { compose } = context;
  const { only, ...reading } = readingFor(context);
  const found = await survey(root, { bind, compose, ...reading });
  if (only === undefined) return found;
  return { ...found, references: found.references.filter(({ engine }) => engine === only) };
}
