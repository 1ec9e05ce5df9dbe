import type { EngineId } from '../common/engine-id.ts';
import type { BindMode } from '../discovery/reference.ts';
import type { StorageSettings } from '../discovery/storage-conf.ts';
import {
  type AdditionalStore,
  readAdditionalStore,
  serves,
} from '../engine/containers-storage/images.ts';
import type { Platform } from '../image/platform.ts';
import type { Root } from '../root/root.ts';
import type { RecordProvided, RootRecord } from '../state/record.ts';
import { type Binding, bindingsOf } from './bindings.ts';
import { type Survey, type SurveyProblem, survey } from './survey.ts';

/** What has to be there for a root: all that staging needs to know of its tree. */
export interface Wanted {
  readonly bindings: readonly Binding[];
  /** The problems on bound references: with one of them the root will not be ready. */
  readonly problems: readonly SurveyProblem[];
  /** How many files and directories were passed over, since others than root may write them. */
  readonly passedOver: number;
  /** What is bound and lies in an additional store of podman: nothing has to be done for it. */
  readonly provided: readonly Provided[];
  readonly storage: StorageSettings;
}

/** A binding for which nothing has to be done, as long as podman's own store has no other meaning. */
export interface Provided {
  readonly binding: Binding;
  readonly entry: RecordProvided;
}

export interface WantedOptions {
  readonly bind: BindMode | undefined;
  /** Where roots keep compose files. */
  readonly compose: readonly string[];
  /** The engine of the run. */
  readonly engine?: EngineId;
  /** The root is of another machine: what this one has in its stores is nothing to it. */
  readonly foreign?: boolean;
}

/** Reads a root, while it is open. Needs no network and no engine. */
export async function wantedOf(root: Root, options: WantedOptions): Promise<Wanted> {
  const found = await survey(root, options);
  const { bindings, problems } = bindingsOf(found, root, 'bound');
  const foreign = options.foreign === true;
  const opened = storesOf(found, root, foreign);
  return {
    ...separated(bindings, opened),
    problems: [
      ...found.problems.filter(({ bound }) => bound),
      ...problems,
      // What another machine will have beside the tree, this one can't tell.
      ...(foreign ? [] : storeProblems(found, opened)),
    ],
    passedOver: found.problems.filter(isPassedOver).length,
    storage: found.storage,
  };
}

/** Where a search of the OS came upon it: homes are said for themselves. */
function isPassedOver({ code, bound, subject }: SurveyProblem): boolean {
  return code === 'user-writable' && !bound && subject !== undefined;
}

/** Takes out what every reference of a binding finds in an additional store. */
function separated(
  bindings: readonly Binding[],
  opened: Opened,
): Pick<Wanted, 'bindings' | 'provided'> {
  const found = bindings.map((binding) => ({ binding, entry: inStore(binding, opened) }));
  return {
    bindings: found.flatMap(({ binding, entry }) => (entry === undefined ? [binding] : [])),
    provided: found.flatMap(({ binding, entry }) =>
      entry === undefined ? [] : [{ binding, entry }],
    ),
  };
}

type Opened = (path: string) => AdditionalStore | undefined;

function storesOf({ storage }: Survey, root: Root, foreign: boolean): Opened {
  const stores = new Map<string, AdditionalStore | undefined>();
  // podman's own default where a file system can do it.
  const driver = storage.driver?.replace(/^overlay2$/, 'overlay') ?? 'overlay';
  return (path) => {
    if (!stores.has(path)) stores.set(path, readAdditionalStore(path, { root, foreign, driver }));
    return stores.get(path);
  };
}

function inStore(
  { name, platform, locked, references, stores }: Binding,
  opened: Opened,
): RecordProvided | undefined {
  // podman takes the first store that has the name, whatever image that is.
  const found = stores.map((paths) => firstServing(paths, name, opened));
  const [first] = found;
  if (first === undefined || found.some((one) => one?.image.id !== first.image.id))
    return undefined;
  const { store, image } = first;
  // What a lock says goes before what the store means by the name.
  const wanted = locked?.digest ?? /@(sha256:[0-9a-f]{64})$/.exec(name)?.[1];
  const allowed = locked === undefined ? [wanted] : [wanted, ...locked.platforms.values()];
  if (wanted !== undefined && !image.digests.some((digest) => allowed.includes(digest))) {
    return undefined;
  }
  if (!isFor(platform, store.platformOf(image))) return undefined;
  const digest = wanted ?? image.digests[0] ?? image.id;
  const { directory } = store;
  return { name, digest, id: image.id, directory, references: [...references] };
}

function firstServing(paths: readonly string[], name: string, opened: Opened) {
  for (const store of paths.map(opened)) {
    const image = store?.images.find((one) => serves(one, name));
    if (store !== undefined && image !== undefined) return { store, image };
  }
  return undefined;
}

/** An image often does not say its variant, and runs nevertheless. */
function isFor(wanted: Platform, found: Platform | undefined): boolean {
  if (found === undefined) return false;
  const variant = found.variant ?? wanted.variant;
  return (
    found.os === wanted.os &&
    found.architecture === wanted.architecture &&
    (wanted.variant === undefined || variant === wanted.variant)
  );
}

/** podman fails with a store that is not there, whether it needs it or not. */
function storeProblems({ references }: Survey, opened: Opened): readonly SurveyProblem[] {
  return references.flatMap(({ path, line, unit, pull, decision }) =>
    (decision.bound ? (pull.additionalStores ?? []) : [])
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

/** The same, with the names that a record has held to the digests that they have there. */
export function asRecorded(wanted: Wanted, { staged }: RootRecord): Wanted {
  const served = (staged?.images ?? []).flatMap(({ names }) => names);
  const digests = new Map(served.map(({ name, digest }) => [name, digest]));
  const held = (binding: Binding) => {
    const recorded = digests.get(binding.name);
    return recorded === undefined ? binding : { ...binding, recorded };
  };
  return {
    ...wanted,
    bindings: wanted.bindings.map(held),
    provided: wanted.provided.map(({ binding, entry }) => ({ binding: held(binding), entry })),
  };
}
