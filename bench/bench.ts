// `make bench`: bin/berth as users run it against its peers, in one run; nothing is kept.
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { benchApply } from './apply.ts';
import { benchContainerd } from './containerd.ts';
import { benchDocker } from './docker.ts';
import { benchHeal } from './heal.ts';
import { benchImageRoot } from './image-root.ts';
import { benchImages } from './images.ts';
import { benchInterrupted } from './interrupted.ts';
import { benchLarge } from './large.ts';
import { benchMany } from './many.ts';
import type { Row } from './measure.ts';
import { benchPodman } from './podman.ts';
import { benchReconcile } from './reconcile.ts';
import { benchSmall } from './small.ts';
import { benchStage } from './stage.ts';
import { benchStart } from './start.ts';
import { benchVerify } from './verify.ts';

const parts = {
  start: benchStart,
  images: benchImages,
  image: benchImageRoot,
  verify: benchVerify,
  reconcile: benchReconcile,
  many: benchMany,
  heal: benchHeal,
  stage: benchStage,
  podman: benchPodman,
  containerd: benchContainerd,
  docker: benchDocker,
  small: benchSmall,
  large: benchLarge,
  interrupted: benchInterrupted,
  apply: benchApply,
};

const wanted = process.argv.slice(2);
const directory = mkdtempSync(join(tmpdir(), 'berth-bench-'));
process.once('SIGINT', () => process.exit(130)).once('SIGTERM', () => process.exit(143));
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));

const machine = `${cpus().length} × ${cpus()[0]?.model ?? '?'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`;
console.log(`${machine}\n`);
console.log('| work | against | berth | peer | ratio | to reach | |');
console.log('|---|---|---|---|---|---|---|');
for (const [name, part] of Object.entries(parts)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  for (const row of await part(directory)) console.log(lineOf(row));
}

function lineOf({ work, against, berth, peer, ratio, limit, remark }: Row): string {
  const bounded = Number.isFinite(limit);
  const verdict = !bounded ? (remark ?? '') : ratio <= limit ? 'reached' : 'MISSED';
  if (bounded && ratio > limit) process.exitCode = 1;
  return `| ${work} | ${against} | ${berth} | ${peer} | ${ratio.toFixed(2)} | ${bounded ? `≤ ${limit}` : '–'} | ${verdict} |`;
}
