import type { Argument, Option } from 'commander';
import { engineKinds } from '../../common/engine-id.ts';
import { deploymentNames } from '../../common/roots.ts';
import { openHost } from '../../host/host.ts';
import { enginesOf, type RootRecord, wantedImages } from '../../state/record.ts';
import { fewRecords, recordedIds } from '../../state/recorded.ts';
import { isManual, MANUAL } from '../../state/root-id.ts';
import { endingSignal } from '../signals.ts';

export interface Candidate {
  readonly value: string;
  /** A few words for shells that show them; may be empty. */
  readonly about: string;
}

/** What may stand in a place of a command line. */
export interface Completion {
  /** Which paths may stand there too. */
  readonly paths: 'files' | 'directories' | 'none';
  readonly candidates: readonly Candidate[];
}

/** The options of the command line that say where records are. */
type Given = ReadonlyMap<string, string>;

export function noPaths(candidates: readonly Candidate[]): Completion {
  return { paths: 'none', candidates };
}

/** The values that an option may have. */
export async function optionValues(option: Option, given: Given): Promise<Completion> {
  if (option.argChoices !== undefined) return noPaths(plain(option.argChoices));
  if (option.long === '--engine') return noPaths(plain([...new Set(await engines(given))]));
  if (option.long === '--id') return noPaths(plain(await rootIds(given)));
  const [, what = ''] = /<(.+)>/.exec(option.flags) ?? [];
  return { paths: pathsFor(what), candidates: [] };
}

/** What paths the value of an option is, by the word for it in the help. */
function pathsFor(what: string): Completion['paths'] {
  if (what === 'file' || what === 'lock') return 'files';
  return what === 'dir' || what === 'path' ? 'directories' : 'none';
}

/** The values that an operand of a command may have. */
export async function argumentValues(
  command: string,
  argument: Argument,
  given: Given,
): Promise<Completion> {
  if (argument.argChoices !== undefined) return noPaths(plain(argument.argChoices));
  switch (argument.name()) {
    case 'root':
      return {
        paths: 'directories',
        candidates: takesDirectories(command) ? [] : await roots(command, given),
      };
    case 'file':
      return { paths: 'files', candidates: [] };
    case 'name':
      return noPaths(plain([...(await images(given)), ...(await units(given))]));
    case 'image-or-name':
      return noPaths(plain(await pinnedByHand(given)));
    default:
      return noPaths(plain(await images(given)));
  }
}

/** Whether the command writes into a root, and so takes no deployment and no id. */
function takesDirectories(command: string): boolean {
  return command === 'lock' || command === 'ship';
}

/** Whether the command takes the id of any root on record, whose tree may be gone. */
function takesEveryId(command: string): boolean {
  return ['verify', 'release', 'report'].includes(command);
}

/** Commands that read the tree of a root know only the ids that an updater gives. */
async function roots(command: string, given: Given): Promise<readonly Candidate[]> {
  const deployments = deploymentNames.map((value) => ({ value, about: `what is ${value} now` }));
  const ids = takesEveryId(command)
    ? await rootIds(given)
    : await recorded(given, ({ id, deployment }) => (deployment === undefined ? [] : [id]));
  return [...deployments, ...ids.map((value) => ({ value, about: 'a staged root' }))];
}

async function rootIds(given: Given): Promise<readonly string[]> {
  const ids = await ofState(given, recordedIds);
  return ids.filter((id) => !isManual(id));
}

async function engines(given: Given): Promise<readonly string[]> {
  return [...engineKinds, ...(await recorded(given, (record) => [...enginesOf(record)]))];
}

async function images(given: Given): Promise<readonly string[]> {
  return recorded(given, namesIn);
}

async function units(given: Given): Promise<readonly string[]> {
  return recorded(given, (record) =>
    wantedImages(record).flatMap(({ names }) =>
      names.flatMap(({ references }) => references.map(({ unit }) => unit)),
    ),
  );
}

/** The images that are pinned by hand, and the names under which `berth pull --pin` pinned some. */
async function pinnedByHand(given: Given): Promise<readonly string[]> {
  return recorded(given, (record) => {
    if (!isManual(record.id)) return [];
    return [
      ...(record.id === MANUAL ? [] : [record.id.slice(MANUAL.length + 1)]),
      ...namesIn(record),
    ];
  });
}

function namesIn(record: RootRecord): readonly string[] {
  return wantedImages(record).flatMap(({ names }) => names.map(({ name }) => name));
}

/** In bytes: records of this size take a quarter of a second to read. */
const MOST = 8_000_000;

/** What the records of this host name, each once. */
async function recorded(
  given: Given,
  of: (record: RootRecord) => readonly string[],
): Promise<readonly string[]> {
  const records = await ofState(given, (directory) => fewRecords(directory, MOST));
  return [...new Set(records.flatMap(of))].sort();
}

/** Nothing if there is no state directory, or berth can't read it: whoever types is told no error. */
async function ofState<T>(
  given: Given,
  read: (stateDirectory: string) => readonly T[],
): Promise<readonly T[]> {
  const options = {
    stateDirectory: given.get('stateDir'),
    config: given.get('config'),
    user: given.has('user'),
  };
  const host = openHost(options, {
    report: () => undefined,
    signal: endingSignal(),
    environment: process.env,
  });
  try {
    return read(await host.stateDirectory());
  } catch {
    return [];
  } finally {
    await host.close();
  }
}

function plain(values: readonly string[]): readonly Candidate[] {
  return values.map((value) => ({ value, about: '' }));
}
