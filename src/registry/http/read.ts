import type { Socket } from 'node:net';

/** The other side ended the connection before it had said everything. */
export class HungUp extends Error {
  constructor() {
    super('it hangs up');
  }
}

/**
 * Reads what a connection has, at most so many bytes; waits for the first of them.
 *
 * @throws the error of the connection; {HungUp} if it has ended.
 */
export async function readSome(socket: Socket, atMost: number): Promise<Buffer> {
  for (;;) {
    // Takes whatever is available: a socket that holds some bytes emits `readable` again and again, and
    // waiting for more would never end.
    const there = Math.min(atMost, socket.readableLength);
    const bytes: unknown = there > 0 ? socket.read(there) : undefined;
    if (bytes instanceof Buffer) return bytes;
    if (socket.readableEnded || socket.destroyed) throw socket.errored ?? new HungUp();
    await oneOf(socket, ['readable', 'end', 'close', 'error']);
  }
}

async function oneOf(socket: Socket, events: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const event of events) socket.off(event, done);
      resolve();
    };
    for (const event of events) socket.on(event, done);
  });
}
