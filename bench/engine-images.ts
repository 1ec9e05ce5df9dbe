import { createCipheriv, createHash } from 'node:crypto';
import type { Layer } from '../test/support/image-builder.ts';
import type { BenchImage } from './peers.ts';

const IMAGES = 8;

/** Two shared layers and two of each image's own, of many small files that compress by half. */
export function images(): BenchImage[] {
  const shared = [layer(1, 1600), layer(2, 300)];
  return Array.from({ length: IMAGES }, (_, i) => ({
    name: `podman/app${i}:1`,
    layers: [...shared, layer(10 + i, 800 + i * 30), layer(100 + i, 60)],
  }));
}

/** 30 kB each. */
function layer(seed: number, files: number): Layer {
  const names = Array.from({ length: files }, (_, i) => `usr/lib/part${seed}/${i % 40}/file${i}`);
  return { files: Object.fromEntries(names.map((name) => [name, content(name)])) };
}

function content(name: string): Buffer {
  const key = createHash('sha256').update(name).digest();
  const noise = createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(30_000));
  return Buffer.concat([noise, Buffer.alloc(30_000, name)]);
}
