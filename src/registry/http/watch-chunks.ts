import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import { ChunkLines } from './chunk-lines.ts';
import { FinalHead } from './final-head.ts';
import { comesInChunks, NotHttp } from './head.ts';

/** Ends a request whose reply comes in chunks that Node's parser would wait for without end. */
export function watchChunks(request: ClientRequest, socket: Socket): void {
  let head: FinalHead | undefined = new FinalHead();
  let lines: ChunkLines | undefined;
  const watch = (bytes: Buffer) => {
    try {
      const found = head?.add(bytes);
      if (found !== undefined) {
        head = undefined;
        if (comesInChunks(found.head)) lines = new ChunkLines();
        else end();
      }
      if (head === undefined) lines?.add(found?.rest ?? bytes);
    } catch (error) {
      end();
      if (!(error instanceof NotHttp)) throw error;
      // A head that makes no sense is Node's to judge.
      if (head === undefined) request.destroy(error);
    }
  };
  const end = () => socket.off('data', watch);
  // After Node's own listener, since a reply that is whole for Node is whole.
  socket.on('data', watch);
  request.once('close', end);
}
