import { createHash } from 'node:crypto';
import { createWriteStream, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { hostPlatform } from '../src/image/platform.ts';
import { tar } from '../test/support/tar.ts';
import { berth, megabytes, peakMemory, type Row, seconds, timed } from './measure.ts';

const LAYERS = 70;
const BYTES = 2e9;
const FILES_PER_LAYER = 1500;

/** `berth images` on an OS image as large as those of desktops: what it holds of it. */
export async function benchImageRoot(directory: string): Promise<Row[]> {
  const layout = join(directory, 'layout');
  await writeImage(layout);
  const images = { program: berth, words: ['images', '--format', 'json', `image:oci:${layout}`] };
  const peak = await peakMemory(images);
  const taken = await timed(images);
  rmSync(layout, { recursive: true });
  return [
    {
      work: `images of an OS image of 2 GB in ${LAYERS} layers, peak memory`,
      against: '200 MB',
      berth: megabytes(peak),
      peer: '200 MB',
      ratio: peak / 200e6,
      limit: 1,
    },
    {
      work: 'the same, time',
      against: 'itself',
      berth: seconds(taken),
      peer: seconds(taken),
      ratio: 1,
      limit: Number.POSITIVE_INFINITY,
      remark: 'for the record',
    },
  ];
}

async function writeImage(layout: string): Promise<void> {
  mkdirSync(join(layout, 'blobs/sha256'), { recursive: true });
  const layers = [];
  for (let i = 0; i < LAYERS; i++) layers.push(await writeLayer(layout, i));
  const config = writeDocument(layout, { ...hostPlatform(), rootfs: { type: 'layers' } });
  const manifest = writeDocument(layout, {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
    layers,
  });
  const entry = { mediaType: 'application/vnd.oci.image.manifest.v1+json', ...manifest };
  const index = { schemaVersion: 2, manifests: [entry] };
  writeFileSync(join(layout, 'index.json'), JSON.stringify(index));
  writeFileSync(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
}

/** Mostly one large file; and as many small ones, some of which berth reads. */
async function writeLayer(layout: string, layer: number) {
  const small = Array.from({ length: FILES_PER_LAYER }, (_, i) =>
    i < 20
      ? {
          path: `usr/share/containers/systemd/app${layer}-${i}.container`,
          content: `[Container]\nImage=quay.io/acme/app${layer}:${i}\n`,
        }
      : {
          path: `usr/share/package-${layer}/${i % 40}/some-file-of-it-${i}`,
          content: `content ${i}\n`,
        },
  );
  const body = Buffer.alloc(Math.floor(BYTES / LAYERS / 512) * 512);
  for (let at = 0; at < body.length; at += 4096) body.writeUInt32LE((at * 31 + layer) >>> 0, at);
  const large = tar([{ path: `usr/lib/modules/large-${layer}`, content: body }]);
  const hash = createHash('sha256');
  let size = 0;
  const temporary = join(layout, 'layer');
  await pipeline(
    Readable.from([large.subarray(0, -1024), tar(small)]),
    createGzip({ level: 1 }),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        size += chunk.length;
        yield chunk;
      }
    },
    createWriteStream(temporary),
  );
  const hex = hash.digest('hex');
  renameSync(temporary, join(layout, 'blobs/sha256', hex));
  const mediaType = 'application/vnd.oci.image.layer.v1.tar+gzip';
  return { mediaType, digest: `sha256:${hex}`, size };
}

function writeDocument(layout: string, document: object) {
  const content = JSON.stringify(document);
  const hex = createHash('sha256').update(content).digest('hex');
  writeFileSync(join(layout, 'blobs/sha256', hex), content);
  return { digest: `sha256:${hex}`, size: Buffer.byteLength(content) };
}
