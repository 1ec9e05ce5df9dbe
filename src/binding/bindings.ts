import type { EngineId } from '../common/engine-id.ts';
import { onceFor } from '../common/once-for.ts';
import type { Problem } from '../common/problem.ts';
import { Secret } from '../common/secret.ts';
import type { PullPolicy, Reference } from '../discovery/reference.ts';
import { formatPlatform, normalisePlatform, type Platform } from '../image/platform.ts';
import type { ShippedImages } from '../oci/local-images.ts';
import type { Access } from '../registry/access.ts';
import { parseAuthFile } from '../registry/auth/auth-file.ts';
import { type Root, RootError } from '../root/root.ts';
import type { RecordReference } from '../state/record.ts';
import type { TakenImage } from './archives.ts';
import { imagesAtHand } from './images-at-hand.ts';
import type { FoundLock, LockedImage } from './lock.ts';
import type { BindingProblemCode } from './problem-code.ts';
import { rootAccesses } from './root-credentials.ts';
import type { BoundReference, Survey, SurveyProblem } from './survey.ts';

/** An image name that must be present for one platform, with every bound reference to it. */
export interface Binding {
  /** The engine that has to have the image. */
  readonly engine: EngineId;
  readonly name: string;
  /** The name is that of an OCI artifact. */
  readonly artifact?: true;
  readonly platform: Platform;
  /** The ways to fetch the image that the references give; the most likely to work comes first. */
  readonly accesses: readonly Access[];
  /** The most eager policy among the references. */
  readonly policy: PullPolicy;
  readonly references: readonly RecordReference[];
  /** For each reference, the additional stores that its podman searches, in search order. */
  readonly stores: readonly (readonly string[])[];
  /** The entry of the name in the root's lock file. */
  readonly locked?: LockedImage;
  /** The digest in the root's record, if it has to be kept whatever the pull policy says. */
  readonly recorded?: string;
  /** The problem of an unreadable lock file: the meaning of the name is not known. */
  readonly lockProblem?: Problem<BindingProblemCode>;
  /** The images that the root ships, or has in archives for the engine. Readable while the root is open. */
  readonly shipped?: ShippedImages;
}

/** The bindings of a survey, and the problems with files that the references cite. */
export interface Bindings {
  readonly bindings: readonly Binding[];
  /** The names whose references all take the image from an archive: no engine has to have it. */
  readonly inArchives: readonly InArchive[];
  readonly problems: readonly SurveyProblem[];
}

export interface InArchive {
  readonly binding: Binding;
  readonly taken: TakenImage;
}

/**
 * Groups references by engine, name and platform. Reads the auth files that units cite from the root,
 * so the root must still be open.
 */
export function bindingsOf(survey: Survey, root: Root, select: 'bound' | 'all'): Bindings {
  const groups = new Map<string, Draft>();
  const problems: SurveyProblem[] = [];
  for (const reference of survey.references) {
    const { engine } = reference;
    if (reference.image === undefined || engine === undefined) continue;
    if (select === 'bound' && !reference.decision.bound) continue;
    const platform = platformOf(reference, survey.platform);
    const { image: name, artifact } = reference;
    const key = `${engine} ${name} ${formatPlatform(platform)} ${artifact === true}`;
    const draft = groups.get(key) ?? { engine, name, artifact, platform, parts: [] };
    groups.set(key, draft);
    draft.parts.push({ reference, access: accessOf(reference, root, survey.self, problems) });
  }
  const atHand = imagesAtHand(root, survey.archives);
  const kept = ofOneKind([...groups.values()], problems);
  const byName = Map.groupBy(kept, ({ engine, name }) => `${engine} ${name}`);
  const drafts = [...byName.values()].map((of) => onePlatform(of, survey.platform, problems));
  const ofRoot = rootAccesses(root);
  const bindings: Binding[] = [];
  const inArchives: InArchive[] = [];
  for (const draft of drafts) {
    if (draft === undefined) continue;
    const images = draft.artifact === true ? undefined : atHand(draft.engine);
    const shipped = images === undefined ? {} : { shipped: images };
    const binding = { ...finish(draft, ofRoot), ...lockedBy(survey.lock, draft.name), ...shipped };
    const taken = takenBy(draft);
    if (taken === undefined) bindings.push(binding);
    else inArchives.push({ binding, taken });
  }
  return { bindings, inArchives, problems };
}

/** The image that all references of a name take from an archive; undefined if one of them does not. */
function takenBy({ parts }: Draft): TakenImage | undefined {
  const [first, ...others] = parts.map(({ reference }) => reference.taken);
  return others.includes(undefined) ? undefined : first;
}

function lockedBy({ lock, problem }: FoundLock, name: string) {
  const locked = lock?.get(name);
  return {
    ...(locked === undefined ? {} : { locked }),
    ...(problem === undefined || problem.note === true ? {} : { lockProblem: problem }),
  };
}

/**
 * Leaves out artifacts that have the name of an image, because a record tells images apart by their names
 * alone. Reports the references to these artifacts as problems.
 */
function ofOneKind(drafts: readonly Draft[], problems: SurveyProblem[]): readonly Draft[] {
  const images = new Set(
    drafts.flatMap(({ artifact, engine, name }) =>
      artifact === true ? [] : [`${engine} ${name}`],
    ),
  );
  return drafts.filter(({ artifact, engine, name, parts }) => {
    if (artifact !== true || !images.has(`${engine} ${name}`)) return true;
    for (const { reference } of parts) {
      const message = `${reference.unit} wants ${name} as an artifact, another unit as an image; berth keeps it as one of them`;
      const hint = 'give the artifact a tag of its own';
      problems.push(problemAt(reference, 'artifact', { message, hint }));
    }
    return false;
  });
}

/**
 * Chooses one platform for each name, because in an engine a name belongs to one image. Reports the
 * references to other platforms as problems.
 */
function onePlatform(
  drafts: readonly Draft[],
  own: Platform,
  problems: SurveyProblem[],
): Draft | undefined {
  const host = formatPlatform(own);
  const chosen = drafts.find(({ platform }) => formatPlatform(platform) === host) ?? drafts[0];
  for (const { name, platform, parts } of drafts.filter((draft) => draft !== chosen)) {
    for (const { reference } of parts) {
      const { path, line, unit, decision } = reference;
      problems.push({
        code: 'two-platforms',
        path,
        line,
        message: `${unit} wants ${name} for ${formatPlatform(platform)}, another unit for ${chosen === undefined ? host : formatPlatform(chosen.platform)}; a name can mean one of them only`,
        hint: 'give the image of one platform a tag of its own, or take Arch=, OS= and Variant= out',
        bound: decision.bound,
      });
    }
  }
  return chosen;
}

interface Draft {
  readonly engine: EngineId;
  readonly name: string;
  readonly artifact: true | undefined;
  readonly platform: Platform;
  readonly parts: { reference: BoundReference; access: Access }[];
}

function finish(
  { engine, name, artifact, platform, parts }: Draft,
  ofRoot: (name: string) => readonly Access[],
): Binding {
  const accesses = parts.map((part) => part.access).sort((a, b) => rank(a) - rank(b));
  // The credentials of the OS are for its own units, not for those of users.
  const hasNone = parts.some(
    ({ reference, access }) => reference.scope === 'system' && !isSpecial(access),
  );
  return {
    engine,
    name,
    ...(artifact === true ? { artifact } : {}),
    platform,
    accesses: [
      ...accesses.filter((access, i) => i === 0 || isSpecial(access)),
      ...(hasNone ? ofRoot(name) : []),
    ],
    policy:
      eagerness.find((policy) => parts.some((p) => p.reference.pull.policy === policy)) ??
      'missing',
    stores: parts.map((part) => part.reference.pull.additionalStores ?? []),
    references: parts.map(({ reference: { raw, path, line, key, unit, scope, imageService } }) => ({
      raw,
      path,
      line,
      key,
      unit,
      ...(scope === 'system' ? {} : { scope }),
      ...(imageService === undefined ? {} : { imageService }),
    })),
  };
}

const eagerness: readonly PullPolicy[] = ['always', 'newer', 'missing', 'never'];

/** The order of accesses: credentials of the unit first, access without checked TLS last. */
function rank(access: Access): number {
  if (access.tlsVerify === false) return 2;
  return access.credentials === undefined ? 1 : 0;
}

function isSpecial(access: Access): boolean {
  return access.tlsVerify === false || access.credentials !== undefined;
}

function platformOf({ pull }: Reference, own: Platform): Platform {
  if (pull.arch === undefined && pull.os === undefined && pull.variant === undefined) return own;
  return normalisePlatform({
    os: pull.os ?? own.os,
    architecture: pull.arch ?? own.architecture,
    ...(pull.variant === undefined ? {} : { variant: pull.variant }),
  });
}

function accessOf(
  reference: BoundReference,
  root: Root,
  self: Survey['self'],
  problems: SurveyProblem[],
): Access {
  const { creds, authFile, tlsVerify } = reference.pull;
  const verify = tlsVerify === undefined ? {} : { tlsVerify };
  if (creds !== undefined) {
    const [username = '', ...rest] = creds.reveal().split(':');
    if (rest.length === 0) {
      problems.push(
        problemAt(reference, 'invalid-option', {
          message: `expected USER:PASSWORD in Creds= of ${reference.unit}, found no colon`,
          hint: 'write both, or use AuthFile=',
        }),
      );
      return verify;
    }
    return {
      ...verify,
      credentials: { kind: 'basic', username, password: new Secret(rest.join(':')) },
    };
  }
  if (authFile === undefined) return verify;
  // podman reads the auth file of a user's unit with the rights of the user: berth has those of the
  // user for whom it runs, and of others only those of everybody.
  const isOwn = reference.engine !== undefined && reference.engine === self?.engine;
  const readable = reference.scope === 'system' || isOwn ? root : publicOf(root);
  const content = authFilesOf(readable)(authFile);
  if (typeof content === 'string') {
    problems.push(
      problemAt(reference, 'auth-file', {
        message: `AuthFile=${authFile} of ${reference.unit}: ${content}`,
        hint: 'ship the file in the root, or leave AuthFile out to use the host’s own credentials',
      }),
    );
    return verify;
  }
  return { ...verify, credentials: { kind: 'auth-file', content } };
}

function problemAt(
  { path, line, decision }: BoundReference,
  code: 'artifact' | 'auth-file' | 'invalid-option',
  said: { message: string; hint: string },
): SurveyProblem {
  return { code, path, line, ...said, bound: decision.bound };
}

const publicOf = onceFor((root: Root) => root.as('public'));

/** A function that reads an auth file of a root, each only once: many units may name one. */
const authFilesOf = onceFor((root: Root) => {
  const known = new Map<string, Secret | string>();
  return (path: string): Secret | string => {
    const found = known.get(path) ?? readAuthFile(path, root);
    known.set(path, found);
    return found;
  };
});

function readAuthFile(path: string, root: Root): Secret | string {
  try {
    const file = root.readFile(path);
    if (file === undefined) return 'it is not in the root';
    const text = file.content.toString('utf8');
    return parseAuthFile(text) === undefined ? 'it is no auth.json' : new Secret(text);
  } catch (error) {
    if (error instanceof RootError) return error.message;
    throw error;
  }
}
