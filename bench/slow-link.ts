import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface LinkOptions {
  /** What lies behind the link: `127.0.0.1:PORT`. */
  readonly target: string;
  /** There and back, in milliseconds; so long does a connection take, too. */
  readonly roundTrip: number;
  /** In each direction, for all connections together. */
  readonly bitsPerSecond: number;
}

export interface SlowLink {
  /** In the target's place. */
  readonly host: string;
  /** How many bytes have come from the target since the last call. */
  bytes(): Promise<number>;
  /** Resolves when so many more bytes have come from the target. */
  passed(bytes: number): Promise<void>;
  stop(): Promise<void>;
}

/** To the link's own process, and its answers. */
type Order = { readonly count: true } | { readonly tellAfter: number };
type Answer = { readonly port: number } | { readonly bytes: number } | { readonly passed: true };

/**
 * A thin link over TCP, in a process of its own so that it costs neither side its event loop.
 * Connections share the rate evenly.
 */
export async function startSlowLink(options: LinkOptions): Promise<SlowLink> {
  const child = fork(import.meta.filename, [JSON.stringify(options)]);
  const end = () => child.kill();
  process.once('exit', end);
  const answer = async <K extends string>(key: K): Promise<Answer & Record<K, unknown>> => {
    for (;;) {
      const [message] = (await once(child, 'message')) as [Answer];
      if (key in message) return message as Answer & Record<K, unknown>;
    }
  };
  const order = (message: Order) => child.send(message);
  const { port } = await answer('port');
  return {
    host: `127.0.0.1:${String(port)}`,
    bytes: async () => {
      order({ count: true });
      return Number((await answer('bytes')).bytes);
    },
    passed: async (bytes) => {
      order({ tellAfter: bytes });
      await answer('passed');
    },
    stop: async () => {
      process.off('exit', end);
      const ended = once(child, 'exit');
      end();
      await ended;
    },
  };
}

/** So much of one connection may be under way: more than rate times delay, as TCP would have it. */
const WINDOW = 1024 * 1024;

/** One connection in one direction. */
interface Flow {
  readonly from: Socket;
  readonly to: Socket;
  readonly waiting: (Buffer | 'end')[];
  inFlight: number;
}

interface Parcel {
  readonly flow: Flow;
  readonly content: Buffer | 'end';
  readonly due: number;
}

/** One direction: flows take turns at the rate, and all arrive later by the delay. */
class Direction {
  readonly #delay: number;
  readonly #bytesPerMs: number;
  readonly #onBytes: (bytes: number) => void;
  /** Those with something waiting, in turn. */
  readonly #flows: Flow[] = [];
  readonly #underWay: Parcel[] = [];
  #freeAt = 0;
  #sending: NodeJS.Timeout | undefined;
  #arriving: NodeJS.Timeout | undefined;

  constructor(delay: number, bytesPerMs: number, onBytes: (bytes: number) => void) {
    this.#delay = delay;
    this.#bytesPerMs = bytesPerMs;
    this.#onBytes = onBytes;
  }

  carry(from: Socket, to: Socket): void {
    const flow: Flow = { from, to, waiting: [], inFlight: 0 };
    from.on('data', (chunk: Buffer) => {
      flow.inFlight += chunk.length;
      if (flow.inFlight >= WINDOW) from.pause();
      this.#queue(flow, chunk);
    });
    from.once('end', () => this.#queue(flow, 'end'));
  }

  #queue(flow: Flow, content: Buffer | 'end'): void {
    if (this.#flows.length === 0) this.#freeAt = Math.max(this.#freeAt, performance.now());
    if (flow.waiting.length === 0) this.#flows.push(flow);
    flow.waiting.push(content);
    this.#send();
  }

  #send(): void {
    if (this.#sending !== undefined) return;
    const now = performance.now();
    while (this.#freeAt <= now) {
      const flow = this.#flows.shift();
      const content = flow?.waiting.shift();
      if (flow === undefined || content === undefined) break;
      if (flow.waiting.length > 0) this.#flows.push(flow);
      if (content !== 'end') this.#freeAt += content.length / this.#bytesPerMs;
      this.#underWay.push({ flow, content, due: this.#freeAt + this.#delay });
    }
    this.#arrive();
    if (this.#flows.length === 0) return;
    this.#sending = setTimeout(() => {
      this.#sending = undefined;
      this.#send();
    }, this.#freeAt - now);
  }

  #arrive(): void {
    if (this.#arriving !== undefined) return;
    const now = performance.now();
    while ((this.#underWay[0]?.due ?? Number.POSITIVE_INFINITY) <= now) {
      const parcel = this.#underWay.shift();
      if (parcel !== undefined) this.#deliver(parcel);
    }
    const next = this.#underWay[0];
    if (next === undefined) return;
    this.#arriving = setTimeout(() => {
      this.#arriving = undefined;
      this.#arrive();
    }, next.due - now);
  }

  #deliver({ flow, content }: Parcel): void {
    const { from, to } = flow;
    if (to.destroyed) return;
    if (content === 'end') return void to.end();
    to.write(content, () => {
      this.#onBytes(content.length);
      flow.inFlight -= content.length;
      if (flow.inFlight < WINDOW) from.resume();
    });
  }
}

if (import.meta.main) {
  const { target, roundTrip, bitsPerSecond } = JSON.parse(process.argv[2] ?? '') as LinkOptions;
  const tell = (answer: Answer) => process.send?.(answer);
  let bytes = 0;
  let tellAfter = Number.POSITIVE_INFINITY;
  const count = (more: number) => {
    bytes += more;
    tellAfter -= more;
    if (tellAfter > 0) return;
    tellAfter = Number.POSITIVE_INFINITY;
    tell({ passed: true });
  };
  const perMs = bitsPerSecond / 8 / 1000;
  const up = new Direction(roundTrip / 2, perMs, () => {});
  const down = new Direction(roundTrip / 2, perMs, count);
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    near.on('error', () => {});
    // The handshake took no time here.
    setTimeout(() => {
      const [host, port] = target.split(':');
      const far = connect({ host, port: Number(port), allowHalfOpen: true, noDelay: true });
      far.on('error', () => near.destroy());
      far.once('close', () => {
        if (!far.readableEnded) near.destroy();
      });
      near.once('close', () => far.destroy());
      up.carry(near, far);
      down.carry(far, near);
    }, roundTrip);
  }).listen(0, '127.0.0.1', () => {
    const address = server.address();
    if (address !== null && typeof address === 'object') tell({ port: address.port });
  });
  process.on('message', (order: Order) => {
    if ('tellAfter' in order) return void (tellAfter = order.tellAfter);
    tell({ bytes });
    bytes = 0;
  });
  process.once('disconnect', () => process.exit());
}
