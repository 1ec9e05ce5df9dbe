import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { buildImage } from '../test/support/image-builder.ts';
import { startRegistry } from '../test/support/registry.ts';
import { type BenchedEngine, environmentIn, writeOs } from './benched-engine.ts';
import { berth, inTurns, type Row, run, seconds, timed } from './measure.ts';

const IMAGES = 64;
const RUNS = 5;

/** How the engine's own program does what `berth verify` does. */
interface Look<E> {
  /** The command that looks at one image. */
  readonly command: string;
  readonly look: (engine: E, name: string) => Promise<unknown>;
  /** Removes an image, or its name. */
  readonly remove: (engine: E, name: string) => Promise<unknown>;
  readonly removed: 'image' | 'name';
}

/** `berth verify` of 64 images, against 64 calls of the engine's own program. */
export async function verifyRow<E>(
  directory: string,
  engine: BenchedEngine<E>,
  { command, look, remove, removed }: Look<E>,
): Promise<Row> {
  const registry = await startRegistry();
  const place = join(directory, `${engine.name}-verify`);
  mkdirSync(place);
  const running = await engine.start(place, registry.host);
  try {
    const names = Array.from({ length: IMAGES }, (_, i) => `app${i}:1`);
    for (const [i, name] of names.entries()) {
      const own = { bytes: 1000, seed: 100 + i };
      registry.push(name, buildImage({ layers: [{ bytes: 1000, seed: 1 }, own] }));
    }
    const wanted = names.map((name) => `${registry.host}/${name}`);
    const environment = environmentIn(place, registry.host, engine.environment(running));
    const root = writeOs(join(place, 'os'), engine, wanted);
    await run({ program: berth, words: ['stage', '--id', 'os', root], environment });
    const verify = { program: berth, words: ['verify', 'os'], environment };
    const [ours = 0, theirs = 0] = await inTurns(RUNS, [
      () => timed(verify),
      async () => {
        const begun = performance.now();
        for (const name of wanted) await look(running, name);
        return (performance.now() - begun) / 1000;
      },
    ]);
    await remove(running, wanted[0] ?? '');
    await run(verify, 3);
    return {
      work: `verify of ${IMAGES} images on ${engine.name}`,
      against: `${IMAGES} × ${command}`,
      berth: seconds(ours),
      peer: seconds(theirs),
      ratio: ours / theirs,
      limit: 0.1,
      remark: `answers 3 with one ${removed} removed`,
    };
  } finally {
    await engine.stop(running);
    await registry.close();
  }
}
