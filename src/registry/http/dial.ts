import { lookup } from 'node:dns/promises';
import { connect, isIPv6, type Socket } from 'node:net';
import { systemErrorCode } from '../../common/errors.ts';
import { Stalled } from './body.ts';

/** The host and port of a server or proxy. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

export interface DialOptions {
  /** In milliseconds: the time for all addresses together, the look-up of the name included. */
  readonly within: number;
  readonly signal?: AbortSignal | undefined;
  /** The addresses of a name; by default those that the system knows. */
  readonly addressesOf?: (host: string) => Promise<readonly string[]>;
}

/**
 * In milliseconds: how long an address is tried alone before the next one is tried beside it. Go waits as
 * long; RFC 8305, section 5, recommends 250.
 */
const HEAD_START = 300;

/**
 * In milliseconds: after so long a silence, the kernel asks whether the other host is still there, and gives
 * the connection up 10 seconds later. A registry may keep berth waiting for much longer than that.
 */
const KEEP_ALIVE = 60_000;

/** None of several addresses could be reached. */
export class NoneReached extends Error {
  readonly errors: readonly Error[];
  /** The code of the error that says most about the host. */
  readonly code: string | undefined;

  constructor(errors: readonly Error[]) {
    super(errors.map(withAddress).join('; '));
    this.errors = errors;
    this.code = tellingCode(errors);
  }
}

function withAddress(error: Error): string {
  const address = 'address' in error ? `${String(error.address)}: ` : '';
  return error.message.includes(address) ? error.message : address + error.message;
}

/**
 * Connects to the first address of a host that answers: RFC 8305, "Happy Eyeballs". No address is given up
 * while there is time: a far host needs half a second to answer, and an address without a route may be the
 * first.
 *
 * @throws {NoneReached} if there are several addresses; the error of the connection if there is one;
 *   {Stalled} if the time is up; the error of the look-up; the signal's reason.
 */
export async function dial(
  { host, port }: Target,
  { within, signal, addressesOf = systemAddresses }: DialOptions,
): Promise<Socket> {
  const attempts = new Attempts(port);
  const ended = Promise.withResolvers<never>();
  const timer = setTimeout(() => ended.reject(attempts.timedOut(within)), within);
  const abort = () => ended.reject(signal?.reason);
  signal?.addEventListener('abort', abort);
  let socket: Socket | undefined;
  try {
    signal?.throwIfAborted();
    const addresses = await Promise.race([addressesOf(host), ended.promise]);
    socket = await Promise.race([attempts.begin(alternating(addresses)), ended.promise]);
    return socket;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
    attempts.end(socket);
  }
}

async function systemAddresses(host: string): Promise<readonly string[]> {
  const found = await lookup(host, { all: true, order: 'verbatim' });
  return found.map(({ address }) => address);
}

/** Addresses of the first one's family and of the other in turns: RFC 8305, section 4. */
function alternating(addresses: readonly string[]): readonly string[] {
  const [first = ''] = addresses;
  const isOfFirst = (address: string) => isIPv6(address) === isIPv6(first);
  const own = addresses.filter(isOfFirst);
  const others = addresses.filter((address) => !isOfFirst(address));
  const turns = Array.from({ length: Math.max(own.length, others.length) }, (_, turn) => turn);
  return turns.flatMap((turn) => [...own.slice(turn, turn + 1), ...others.slice(turn, turn + 1)]);
}

/** The attempts to reach one host, each at another address. */
class Attempts {
  readonly #port: number;
  readonly #sockets = new Set<Socket>();
  /** The addresses that have neither answered nor failed. */
  readonly #silent = new Set<string>();
  readonly #errors: Error[] = [];
  readonly #winner = Promise.withResolvers<Socket>();
  #waiting: string[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  begin(addresses: readonly string[]): Promise<Socket> {
    this.#waiting = [...addresses];
    this.#next();
    return this.#winner.promise;
  }

  /** Drops all attempts but the one that is used. */
  end(used: Socket | undefined): void {
    clearTimeout(this.#timer);
    this.#waiting = [];
    for (const socket of this.#sockets) if (socket !== used) socket.destroy();
  }

  timedOut(within: number): Error {
    const stalled = [...this.#silent].map((address) =>
      Object.assign(new Stalled(within), { address }),
    );
    const [only = new Stalled(within), ...others] = [...this.#errors, ...stalled];
    return others.length === 0 ? only : new NoneReached([only, ...others]);
  }

  #next(): void {
    clearTimeout(this.#timer);
    const address = this.#waiting.shift();
    if (address !== undefined) this.#try(address);
    else if (this.#silent.size === 0) this.#winner.reject(this.#failure());
  }

  #try(address: string): void {
    const port = this.#port;
    const keepAlive = { keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE };
    const socket = connect({ host: address, port, noDelay: true, ...keepAlive });
    this.#sockets.add(socket);
    this.#silent.add(address);
    this.#timer = setTimeout(() => this.#next(), HEAD_START);
    const fail = (error: Error) => {
      this.#silent.delete(address);
      this.#errors.push(error);
      this.#next();
    };
    socket.once('error', fail);
    socket.once('connect', () => {
      socket.off('error', fail);
      this.#winner.resolve(socket);
    });
  }

  #failure(): Error {
    const [only = new Error('the name has no address'), ...others] = this.#errors;
    return others.length === 0 ? only : new NoneReached(this.#errors);
  }
}

/** Codes that say something of this machine alone: it has no address, or no route, of that family. */
const OF_THIS_MACHINE = ['ENETUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EACCES', 'EPERM'];

function tellingCode(errors: readonly Error[]): string | undefined {
  const isTelling = (error: Error) => !OF_THIS_MACHINE.includes(systemErrorCode(error) ?? '');
  return systemErrorCode(errors.find(isTelling) ?? errors[0]);
}
