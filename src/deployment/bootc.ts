import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import { join } from 'node:path';
import { systemErrorCode } from '../errors.ts';
import type { Deployment, Role } from './deployment.ts';
import { cantTell, unreadableRoot } from './failure.ts';
import { openTree } from './open-tree.ts';
import type { Places } from './places.ts';

/** In milliseconds. */
const TIMEOUT = 60_000;
const MAX_OUTPUT = 16 * 1024 * 1024;

/**
 * What `bootc status --format=json` says, if there is a bootc and this is a host of its kind.
 *
 * @param environment where `PATH` stands, or `BERTH_BOOTC_STATUS`: a socket, `unix:/PATH`, on which
 * the answer can be had by one that may not run bootc itself.
 * @throws {BerthError} `deployments` if bootc fails or answers what can't be understood.
 */
export async function readBootc(
  places: Places,
  environment: NodeJS.ProcessEnv,
): Promise<readonly Deployment[] | undefined> {
  const socket = /^unix:(\/.+)$/.exec(environment['BERTH_BOOTC_STATUS'] ?? '')?.[1];
  const text = await (socket === undefined ? status(environment) : statusFrom(socket));
  return text === undefined ? undefined : deploymentsIn(text, places);
}

/**
 * Reads the answer of bootc, tolerant of fields that come and go.
 *
 * @returns undefined where it is no bootc host.
 */
export function deploymentsIn(text: string, places: Places): readonly Deployment[] | undefined {
  const found = asObject(asObject(parse(text))['status']);
  if (found['booted'] === undefined || found['booted'] === null) return undefined;
  const others = Array.isArray(found['otherDeployments']) ? found['otherDeployments'] : [];
  const entries: readonly (readonly [Role, unknown])[] = [
    ['booted', found['booted']],
    ['staged', found['staged']],
    ['rollback', found['rollback']],
    ...others.map((entry: unknown) => ['other', entry] as const),
  ];
  return entries.flatMap(([role, entry]) =>
    entry === null || entry === undefined ? [] : [deploymentOf(role, asObject(entry), places)],
  );
}

type Fields = Readonly<Record<string, unknown>>;

function deploymentOf(role: Role, entry: Fields, { sysroot, root }: Places): Deployment {
  const pinned = entry['pinned'] === true;
  const image = asObject(entry['image']);
  const name = asText(asObject(image['image'])['image']);
  const digest = asText(image['imageDigest']);
  const version = asText(image['version']);
  const common = {
    updater: 'bootc',
    role: role === 'other' && pinned ? 'pinned' : role,
    pinned,
    ...(name === undefined ? {} : { image: { name, ...(digest === undefined ? {} : { digest }) } }),
    ...(version === undefined ? {} : { version }),
  } as const;
  const ostree = asObject(entry['ostree']);
  const [stateroot, checksum] = [asText(ostree['stateroot']), asText(ostree['checksum'])];
  const serial = ostree['deploySerial'];
  if (isName(stateroot) && isDigest(checksum) && Number.isSafeInteger(serial)) {
    const id = `${checksum}.${String(serial)}`;
    const location = join(sysroot, 'ostree/deploy', stateroot, 'deploy', id);
    return { ...common, id, location, open: async () => openTree(id, location) };
  }
  const verity = asText(asObject(entry['composefs'])['verity']);
  if (verity !== undefined && /^[0-9a-f]{64,128}$/.test(verity)) {
    return composefs(common, verity, { sysroot, root });
  }
  throw cantTell(
    'bootc',
    `expected the ${role} entry of its status to have an ostree or composefs deployment, found neither`,
    'look at `bootc status --format=json`; a newer berth may know it',
  );
}

/** No tree of it is checked out: only the booted one is mounted, as `/`. */
function composefs(
  common: Pick<Deployment, 'updater' | 'role' | 'pinned' | 'image' | 'version'>,
  verity: string,
  { sysroot, root }: Pick<Places, 'sysroot' | 'root'>,
): Deployment {
  const isBooted = common.role === 'booted';
  const location = isBooted ? root : join(sysroot, 'state/deploy', verity);
  return {
    ...common,
    id: verity,
    location,
    open: async () => {
      if (isBooted) return openTree(verity, root);
      const name = common.image?.name;
      throw unreadableRoot(
        verity,
        'a composefs deployment has no tree on disk until it is mounted',
        name === undefined
          ? 'mount its image, and stage that directory with --id'
          : `stage the OS image that it is made from: berth stage --id ${verity} image:${name}`,
      );
    },
  };
}

function status(environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  const options = {
    timeout: TIMEOUT,
    maxBuffer: MAX_OUTPUT,
    killSignal: 'SIGKILL',
    env: environment,
  } as const;
  return new Promise((resolve, reject) => {
    execFile('bootc', ['status', '--format=json'], options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else if (error.code === 'ENOENT') resolve(undefined);
      else {
        const said = stderr.trim().split('\n').at(-1) ?? '';
        const reason =
          error.killed === true ? `no answer in ${TIMEOUT / 1000} s` : said || error.message;
        reject(cantTell('bootc', `bootc status failed: ${reason}`, 'run `bootc status`', error));
      }
    });
  });
}

/** The whole of what the socket says until it is closed; no socket is no bootc. */
function statusFrom(path: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let size = 0;
    const fail = (reason: string, cause?: unknown) => {
      socket.destroy();
      reject(
        cantTell('bootc', `${path}: ${reason}`, 'see the journal of berth-bootc-status', cause),
      );
    };
    const socket = connect(path);
    socket.setTimeout(TIMEOUT, () => fail(`no answer in ${TIMEOUT / 1000} s`));
    socket.on('data', (part) => {
      parts.push(part);
      size += part.length;
      if (size > MAX_OUTPUT) fail(`expected at most ${MAX_OUTPUT} bytes, found more`);
    });
    socket.on('end', () => {
      socket.destroy();
      resolve(Buffer.concat(parts).toString('utf8'));
    });
    socket.on('error', (error) => {
      if (systemErrorCode(error) === 'ENOENT') resolve(undefined);
      else fail(error.message, error);
    });
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw cantTell(
      'bootc',
      'expected JSON from bootc status, found something else',
      'run it',
      error,
    );
  }
}

function asObject(value: unknown): Fields {
  return typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value))
    : {};
}

function asText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function isName(text: string | undefined): text is string {
  return text !== undefined && /^[^/\0]{1,255}$/.test(text) && text !== '.' && text !== '..';
}

function isDigest(text: string | undefined): text is string {
  return text !== undefined && /^[0-9a-f]{64}$/.test(text);
}
