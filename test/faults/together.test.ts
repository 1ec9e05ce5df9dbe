import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'node:test';
import { type Machine, main, startMachine } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';
import { Site } from './site.ts';

/** Begins a stage, and kills it when so many requests have come. */
async function killedStage(machine: Machine, words: readonly string[], after: number) {
  const child = spawn(process.execPath, [main, ...words], {
    env: machine.environment,
    stdio: 'ignore',
  });
  let requests = 0;
  machine.registry.fault = () => {
    if (++requests === after) child.kill('SIGKILL');
    return undefined;
  };
  await once(child, 'close');
}

for (const count of [2, 10]) {
  test(`${count} processes at once over one store, one of them killed`, async (t) => {
    const machine = await startMachine(t);
    const site = new Site(machine.directory, machine);
    const names = Array.from({ length: 6 }, (_, i) => `app${i}:1`);
    for (const [i, name] of names.entries()) {
      const layers = ['base', 'pair', 'own'].map((_, n) => ({
        bytes: 200_000,
        seed: [1, 2 + (i % 2), 10 + i][n] ?? 0,
      }));
      machine.registry.push(name, buildImage({ layers }));
    }
    // Two processes have the same root, and each root shares images with the next.
    const ids = Array.from({ length: count }, (_, i) => `root${'abcde'[i >> 1]}`);
    const wordsOf = (id: string) => {
      const first = id.charCodeAt(4) % names.length;
      const own = [...names, ...names].slice(first, first + 3);
      const words = ['stage', '--engine', 'store', '--bind', 'all', '--id', id];
      return [...words, site.root(id, own)];
    };
    const all = [...new Set(ids)].map((id) => [id, wordsOf(id)] as const);
    const words = new Map(all);
    // What a released root left is taken away meanwhile, if no other has come to want it.
    assert.equal((await machine.berth(...wordsOf('rooty'))).code, 0);
    assert.equal((await machine.berth('release', '--engine', 'store', 'rooty')).code, 0);
    const [killed, ...outcomes] = await Promise.all([
      killedStage(machine, [...wordsOf('rootx')], 5),
      machine.berth('prune', '--engine', 'store', '--force'),
      ...ids.map((id) => machine.berth(...(words.get(id) ?? []))),
    ]);
    assert.equal(killed, undefined);
    for (const { code, stderr } of outcomes) assert.equal(code, 0, stderr);
    site.checkDisk('killed');
    for (const id of new Set(ids)) assert.deepEqual(await site.findings(id), [], id);
    // Each alone has nothing to do any more, and lets go of nothing of the others.
    machine.registry.requests.length = 0;
    for (const [, again] of all) assert.equal((await machine.berth(...again)).code, 0);
    assert.deepEqual(machine.registry.requests, []);
    const [gone = '', ...kept] = new Set(ids);
    const removed = await Promise.all([
      machine.berth('release', '--engine', 'store', gone),
      machine.berth('prune', '--engine', 'store', '--force'),
    ]);
    for (const { code, stderr } of removed) assert.equal(code, 0, stderr);
    for (const id of kept) assert.deepEqual(await site.findings(id), [], id);
    site.checkDisk('killed');
    assert.equal((await machine.berth(...wordsOf('rootx'))).code, 0);
    assert.deepEqual(await site.findings('rootx'), []);
    site.checkDisk();
  });
}
