import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type BuiltManifest, buildImage } from '../test/support/image-builder.ts';
import { megabytes, peakMemory, type Row } from './measure.ts';
import { setUpPeers } from './peers.ts';

const BYTES = 4 * 1024 ** 3;
const PIECE = 1024 * 1024;

/** A layer of 4 GB to the store: how much memory it takes. */
export async function benchLarge(directory: string): Promise<Row[]> {
  const registry = await startLargeRegistry();
  const peers = setUpPeers(join(directory, 'large'), registry.host, ['bench/large:1']);
  try {
    const peak = await peakMemory(peers.command);
    return [
      {
        work: 'stage of a layer of 4 GB to the store, peak memory',
        against: '200 MB',
        berth: megabytes(peak),
        peer: '200 MB',
        ratio: peak / 200e6,
        limit: 1,
      },
    ];
  } finally {
    peers.clear();
    await registry.stop();
  }
}

/** A registry with one image, whose layer is made as it is sent. */
async function startLargeRegistry() {
  const hash = createHash('sha256');
  for (const piece of pieces()) hash.update(piece);
  const layer = `sha256:${hash.digest('hex')}`;
  const small = buildImage({ layers: [{ bytes: 1000, seed: 1 }] });
  const manifest = withLayer(small.top, layer);
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    const blob = small.blobs.get(path.split('/').at(-1) ?? '');
    if (path.includes('/manifests/')) {
      response.setHeader('content-type', manifest.mediaType).end(manifest.content);
    } else if (path.endsWith(layer)) {
      response.setHeader('content-length', BYTES);
      pipeline(Readable.from(pieces()), response).catch(() => response.destroy());
    } else if (blob !== undefined) response.end(blob);
    else response.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    host: `127.0.0.1:${address.port}`,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The same bytes each time, no two pieces alike. */
function* pieces(): Generator<Buffer> {
  const random = Buffer.alloc(PIECE, createHash('sha256').update('layer').digest());
  for (let at = 0; at < BYTES; at += PIECE) {
    const piece = Buffer.from(random);
    piece.writeUInt32LE(at / PIECE);
    yield piece;
  }
}

function withLayer({ mediaType, content }: BuiltManifest, digest: string) {
  const manifest = JSON.parse(content.toString()) as { layers: { mediaType: string }[] };
  const [{ mediaType: layerType } = { mediaType: '' }] = manifest.layers;
  const layers = [{ mediaType: layerType, digest, size: BYTES }];
  return { mediaType, content: Buffer.from(JSON.stringify({ ...manifest, layers })) };
}
