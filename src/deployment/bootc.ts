import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { systemErrorCode } from '../common/errors.ts';
import type { Root } from '../root/root.ts';
import type { Deployment, Role } from './deployment.ts';
import { cantTell, unreadableRoot } from './failure.ts';
import { openTree } from './open-tree.ts';
import type { Places } from './places.ts';

/** In milliseconds. */
const TIMEOUT = 60_000;
const MAX_OUTPUT = 16 * 1024 * 1024;

/** Opens an OS image by its location, `image:NAME@DIGEST`. */
export type OpenImage = (spec: string) => Promise<Root>;

/**
 * The deployments in the output of `bootc status --format=json`.
 *
 * @param environment has `PATH`, to find bootc, or `BERTH_BOOTC_STATUS`: a socket (`unix:/PATH`) that
 * gives the output to processes that may not run bootc themselves.
 * @returns undefined if there is no bootc, or if this is no bootc host.
 * @throws {BerthError} `deployments` if bootc fails, or its output can't be understood.
 */
export async function readBootc(
  places: Places,
  environment: NodeJS.ProcessEnv,
  openImage?: OpenImage,
): Promise<readonly Deployment[] | undefined> {
  const socket = /^unix:(\/.+)$/.exec(environment['BERTH_BOOTC_STATUS'] ?? '')?.[1];
  const text = await (socket === undefined ? status(environment) : statusFrom(socket));
  return text === undefined ? undefined : deploymentsIn(text, places, openImage);
}

/**
 * Parses the output of bootc; tolerates unknown and missing fields.
 *
 * @returns undefined if this is no bootc host.
 */
export function deploymentsIn(
  text: string,
  places: Places,
  openImage?: OpenImage,
): readonly Deployment[] | undefined {
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
    entry === null || entry === undefined
      ? []
      : [deploymentOf(role, asObject(entry), places, openImage)],
  );
}

type Fields = Readonly<Record<string, unknown>>;

function deploymentOf(
  role: Role,
  entry: Fields,
  places: Places,
  openImage: OpenImage | undefined,
): Deployment {
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
  if (isName(stateroot) && isDigest(checksum) && isSerial(serial)) {
    const id = `${checksum}.${serial}`;
    const location = join(places.sysroot, 'ostree/deploy', stateroot, 'deploy', id);
    return { ...common, id, location, open: async () => openTree(id, location) };
  }
  const verity = asText(asObject(entry['composefs'])['verity']);
  if (verity !== undefined && /^[0-9a-f]{64,128}$/.test(verity)) {
    return composefs(common, verity, places, openImage);
  }
  throw cantTell(
    'bootc',
    `expected the ${role} entry of its status to have an ostree or composefs deployment, found neither`,
    'look at `bootc status --format=json`; a newer berth may know it',
  );
}

/**
 * A deployment of the composefs backend. It has no checked-out tree: its files are read where they are
 * mounted, else from the OS image.
 */
function composefs(
  common: Pick<Deployment, 'updater' | 'role' | 'pinned' | 'image' | 'version'>,
  verity: string,
  places: Places,
  openImage: OpenImage | undefined,
): Deployment {
  const isBooted = common.role === 'booted';
  return {
    ...common,
    id: verity,
    location: isBooted ? places.root : join(places.sysroot, 'state/deploy', verity),
    open: async () => {
      if (isBooted) return openTree(verity, places.root);
      const mounted = mountPointOf(verity, places);
      if (mounted !== undefined) return openTree(verity, mounted);
      const { name, digest } = common.image ?? {};
      if (name !== undefined && digest !== undefined && openImage !== undefined) {
        return openImage(`image:${withoutTag(name)}@${digest}`);
      }
      throw unreadableRoot(
        verity,
        'a composefs deployment has no tree on disk until it is mounted, and bootc names no image of it',
        'mount its image, and stage that directory with --id',
      );
    },
  };
}

/** The image name without its tag, because the digest beside it says more. */
function withoutTag(name: string): string {
  return name.replace(/@.*$/, '').replace(/:[^/:]*$/, '');
}

/**
 * The mount point of a complete composefs image.
 *
 * Source: composefs-rs gives its overlay the source `composefs:DIGEST`; proc_pid_mountinfo(5).
 */
function mountPointOf(verity: string, { mountinfo }: Places): string | undefined {
  for (const line of readFileSync(mountinfo, 'utf8').split('\n')) {
    const [mount = '', filesystem = ''] = line.split(' - ');
    const [, , , top, point = ''] = mount.split(' ');
    if (top !== '/' || filesystem.split(' ')[1] !== `composefs:${verity}`) continue;
    return point.replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
  }
  return undefined;
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

/** Reads from the socket until it is closed. A missing socket means that there is no bootc. */
function statusFrom(path: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let size = 0;
    const fail = (reason: string, cause?: unknown) => {
      end();
      reject(
        cantTell('bootc', `${path}: ${reason}`, 'see the journal of berth-bootc-status', cause),
      );
    };
    const socket = connect(path);
    // The limit is for the whole answer, so that an answer that drips also ends.
    const timer = setTimeout(() => fail(`no whole answer in ${TIMEOUT / 1000} s`), TIMEOUT);
    const end = () => {
      clearTimeout(timer);
      socket.destroy();
    };
    socket.on('data', (part) => {
      parts.push(part);
      size += part.length;
      if (size > MAX_OUTPUT) fail(`expected at most ${MAX_OUTPUT} bytes, found more`);
    });
    socket.on('end', () => {
      end();
      resolve(Buffer.concat(parts).toString('utf8'));
    });
    socket.on('error', (error) => {
      if (systemErrorCode(error) !== 'ENOENT') return fail(error.message, error);
      end();
      resolve(undefined);
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

function isSerial(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isDigest(text: string | undefined): text is string {
  return text !== undefined && /^[0-9a-f]{64}$/.test(text);
}
