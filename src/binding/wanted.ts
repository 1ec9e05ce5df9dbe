import { type EngineId, podmanOf, readsStorageConf } from '../common/engine-id.ts';
import type { EngineChoice } from '../discovery/discover.ts';
import type { BindMode } from '../discovery/reference.ts';
import type { StorageSettings } from '../discovery/storage-conf.ts';
import type { Self } from '../discovery/users/self.ts';
import {
  type AdditionalStore,
  readAdditionalStore,
  serves,
} from '../engine/containers-storage/images.ts';
import type { Platform } from '../image/platform.ts';
import { archiveSize } from '../oci/archive/archive-size.ts';
import type { Root } from '../root/root.ts';
import type { RecordProvided, RootRecord } from '../state/record.ts';
import { damagedArchives, type EngineArchive } from './archives.ts';
import { type Binding, bindingsOf, type InArchive } from './bindings.ts';
import { type Survey, type SurveyProblem, survey } from './survey.ts';

/** The requirements of a root: everything that a stage needs to know about the tree. */
export interface Wanted {
  readonly bindings: readonly Binding[];
  /** The problems of bound references. With one of them the root will not be ready. */
  readonly problems: readonly SurveyProblem[];
  /** The number of files and directories that were skipped because others than root may write them. */
  readonly passedOver: number;
  /** Bound images in an additional store of podman, or in archives, which need not be fetched. */
  readonly provided: readonly Provided[];
  /** The archives of the root that fill engines. */
  readonly archives: readonly EngineArchive[];
  readonly storage: StorageSettings;
  /** The mode of `--bind`, of this run or of the stage that is on record. */
  readonly bind: BindMode | undefined;
  /** The number of references to images, if none of them is bound; else 0. */
  readonly unbound: number;
  /** Bound names whose engines this run leaves out, because it is for one engine alone. */
  readonly leftOut: readonly { readonly engine: EngineId; readonly name: string }[];
  /**
   * The UIDs of the users whose podman runs bound images, by name, in the passwd of the root: also of those
   * that this run leaves out, as the record keeps their images.
   */
  readonly users: Readonly<Record<string, number>>;
  /** The groups of engines to which no unit of the root hands images at the boot. */
  readonly withoutHandover: Survey['withoutHandover'];
}

/**
 * A binding that an additional store satisfies, unless podman's own store has another image of that name; or
 * that an archive satisfies, from which podman takes the image at every start.
 */
export interface Provided {
  readonly binding: Binding;
  readonly entry: RecordProvided;
}

export interface WantedOptions {
  readonly bind: BindMode | undefined;
  /** The places of Compose files in roots. */
  readonly compose: readonly string[];
  /** The engines of references whose files don't say who runs them. */
  readonly engines?: EngineChoice;
  /** The user for whom the root is read; nobody by default. */
  readonly self?: Self | undefined;
  /** The only engine whose images are wanted. */
  readonly only?: EngineId | undefined;
  /** Set for the root of another machine: the stores of this machine don't count. */
  readonly foreign?: boolean;
  /** Set at the boot, when archives are not read whole: podman will read them anyway. */
  readonly isBooting?: boolean;
}

/** Reads the requirements of an open root. Needs no network and no engine. */
export async function wantedOf(root: Root, options: WantedOptions): Promise<Wanted> {
  const { bind, only } = options;
  const found = await survey(root, options);
  const all = bindingsOf(found, root, 'bound');
  const isWanted = ({ engine }: { readonly engine: EngineId }) =>
    only === undefined || engine === only;
  const bindings = all.bindings.filter(isWanted);
  const foreign = options.foreign === true;
  const opened = storesOf(found, root, foreign);
  const inArchives = all.inArchives.filter(({ binding }) => isWanted(binding));
  const bound = found.references.filter(({ decision }) => decision.bound);
  const damaged = options.isBooting === true ? [] : await damagedArchives(root, bound);
  const apart = separated(bindings, opened);
  const isAnyBound = found.references.some(({ decision }) => decision.bound);
  return {
    ...apart,
    provided: [...apart.provided, ...inArchives.map((one) => fromArchive(one, root))],
    archives: found.archives,
    problems: [
      ...found.problems.filter(({ bound }) => bound),
      ...all.problems,
      ...damaged.map(({ problem }) => ({ ...problem, bound: true })),
      // The stores of another machine are unknown.
      ...(foreign ? [] : storeProblems(found, opened)),
    ],
    passedOver: found.problems.filter(isPassedOver).length,
    storage: found.storage,
    bind,
    unbound: isAnyBound ? 0 : found.references.length,
    leftOut: [...all.bindings, ...all.inArchives.map(({ binding }) => binding)]
      .filter((binding) => !isWanted(binding))
      .map(({ engine, name }) => ({ engine, name })),
    users: usersOf(found, all.bindings),
    withoutHandover: found.withoutHandover,
  };
}

/** The keys that JSON objects of a record can't have. */
const NO_KEYS: readonly string[] = ['__proto__', 'constructor', 'prototype'];

/** The UIDs of the users whose podman runs bound images. */
function usersOf({ accounts }: Survey, bindings: readonly Binding[]): Wanted['users'] {
  const engines = new Set(bindings.map(({ engine }) => engine));
  return Object.fromEntries(
    accounts.flatMap(({ name, uid }) => {
      const engine = podmanOf(name);
      if (engine === undefined || uid === undefined || !engines.has(engine)) return [];
      return NO_KEYS.includes(name) ? [] : [[name, uid]];
    }),
  );
}

/** Whether a search for units of the OS skipped the file. Skipped homes are reported separately. */
function isPassedOver({ code, bound, subject }: SurveyProblem): boolean {
  return code === 'user-writable' && !bound && subject !== undefined;
}

/** Separates the bindings for which every reference finds an image in an additional store. */
function separated(
  bindings: readonly Binding[],
  opened: Opened,
): Pick<Wanted, 'bindings' | 'provided'> {
  const found = bindings.map((binding) => ({
    binding,
    // The stores are those of root's podman: a user's has a storage.conf of its own.
    entry:
      readsStorageConf(binding.engine) && binding.artifact !== true
        ? inStore(binding, opened)
        : undefined,
  }));
  return {
    bindings: found.flatMap(({ binding, entry }) => (entry === undefined ? [binding] : [])),
    provided: found.flatMap(({ binding, entry }) =>
      entry === undefined ? [] : [{ binding, entry }],
    ),
  };
}

function fromArchive({ binding, taken }: InArchive, root: Root): Provided {
  const { engine, name, references } = binding;
  const { manifest: digest, config: id } = taken.image;
  const { path, view } = taken.archive;
  const archive = { name: taken.text, size: archiveSize(root.as(view), path) ?? 0 };
  const meaning = { engine, name, digest, id, directory: path, archive };
  return { binding, entry: { ...meaning, references: [...references] } };
}

type Opened = (path: string) => AdditionalStore | undefined;

function storesOf({ storage }: Survey, root: Root, foreign: boolean): Opened {
  const stores = new Map<string, AdditionalStore | undefined>();
  // podman's default on file systems that support overlay.
  const driver = storage.driver?.replace(/^overlay2$/, 'overlay') ?? 'overlay';
  return (path) => {
    if (!stores.has(path)) stores.set(path, readAdditionalStore(path, { root, foreign, driver }));
    return stores.get(path);
  };
}

function inStore(
  { engine, name, platform, locked, references, stores }: Binding,
  opened: Opened,
): RecordProvided | undefined {
  // podman uses the first store that has the name, whichever image it means there.
  const found = stores.map((paths) => firstServing(paths, name, opened));
  const [first] = found;
  if (first === undefined || found.some((one) => one?.image.id !== first.image.id))
    return undefined;
  const { store, image } = first;
  // A digest in the lock file or in the name overrides the meaning of the name in the store.
  const wanted = locked?.digest ?? /@(sha256:[0-9a-f]{64})$/.exec(name)?.[1];
  const allowed = locked === undefined ? [wanted] : [wanted, ...locked.platforms.values()];
  if (wanted !== undefined && !image.digests.some((digest) => allowed.includes(digest))) {
    return undefined;
  }
  if (!isFor(platform, store.platformOf(image))) return undefined;
  const digest = wanted ?? image.digests[0] ?? image.id;
  const { directory } = store;
  return { engine, name, digest, id: image.id, directory, references: [...references] };
}

function firstServing(paths: readonly string[], name: string, opened: Opened) {
  for (const store of paths.map(opened)) {
    const image = store?.images.find((one) => serves(one, name));
    if (store !== undefined && image !== undefined) return { store, image };
  }
  return undefined;
}

/** Whether an image runs on a platform. An image without a variant fits every variant. */
function isFor(wanted: Platform, found: Platform | undefined): boolean {
  if (found === undefined) return false;
  const variant = found.variant ?? wanted.variant;
  return (
    found.os === wanted.os &&
    found.architecture === wanted.architecture &&
    (wanted.variant === undefined || variant === wanted.variant)
  );
}

/** The problems of missing stores: podman fails if a configured store is missing, used or not. */
function storeProblems({ references }: Survey, opened: Opened): readonly SurveyProblem[] {
  return references.flatMap(({ path, line, unit, pull, decision, engine }) =>
    (decision.bound && engine !== undefined && readsStorageConf(engine)
      ? (pull.additionalStores ?? [])
      : []
    )
      .filter((store) => opened(store) === undefined)
      .map((store) => ({
        code: 'additional-store',
        path,
        line,
        message: `expected the image store ${store}, in which the podman of ${unit} looks, found none that can be read: podman fails with it`,
        hint: 'have whoever fills the store make it, or take it out of the unit, or of storage.conf',
        bound: true,
      })),
  );
}

/** The requirements on some engines; those on others are left out. */
export function onlyOn(engines: ReadonlySet<EngineId>, wanted: Wanted): Wanted {
  const isOn = (binding: Binding) => engines.has(binding.engine);
  const left = wanted.bindings.filter((binding) => !isOn(binding));
  return {
    ...wanted,
    bindings: wanted.bindings.filter(isOn),
    provided: wanted.provided.filter(({ binding }) => isOn(binding)),
    leftOut: [...wanted.leftOut, ...left.map(({ engine, name }) => ({ engine, name }))],
  };
}

/**
 * The same requirements, with the names that are on record bound to their recorded digests: to those of the
 * same engine, or else of any other, as a name has one meaning in a root.
 */
export function asRecorded(wanted: Wanted, { staged }: RootRecord): Wanted {
  const digests = new Map<string, string>();
  for (const { engine, names } of staged?.images ?? []) {
    for (const { name, digest } of names) {
      digests.set(`${engine} ${name}`, digest);
      if (!digests.has(name)) digests.set(name, digest);
    }
  }
  const held = (binding: Binding) => {
    const { engine, name } = binding;
    const recorded = digests.get(`${engine} ${name}`) ?? digests.get(name);
    return recorded === undefined ? binding : { ...binding, recorded };
  };
  return {
    ...wanted,
    bindings: wanted.bindings.map(held),
    provided: wanted.provided.map(({ binding, entry }) => ({ binding: held(binding), entry })),
  };
}
