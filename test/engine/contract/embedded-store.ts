import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openStore } from '../../../src/store/store.ts';
import { startMachine } from '../../support/berth.ts';
import { client } from '../../support/registry-client.ts';
import { storeCommands } from './store-commands.ts';
import type { Call, TestedEngine } from './tested-engine.ts';

const worker = fileURLToPath(new URL('worker.ts', import.meta.url));

/** The embedded store. It has no program of its own, and no process that could be restarted. */
export async function startEmbeddedStore(t: TestContext): Promise<TestedEngine> {
  const machine = await startMachine(t);
  const registry = client(t, [machine.registry]);
  const directory = join(machine.directory, 'state/store');
  const open = async () => openStore({ directory, registry });
  const nothing = async () => undefined;
  return {
    table: 'store',
    column: 'store',
    version: 'store',
    machine,
    option: 'store',
    open,
    untag: async (name) => withoutName(join(directory, 'index.json'), name),
    restart: nothing,
    reboot: nothing,
    clear: async () => rmSync(directory, { recursive: true, force: true }),
    killDuring: (call, isUnderWay) =>
      killWorker(machine.directory, machine.environment, call, isUnderWay),
    pinDirectory: join(directory, 'pins'),
    commands: storeCommands(machine, directory),
  };
}

async function killWorker(
  directory: string,
  environment: NodeJS.ProcessEnv,
  call: Call,
  isUnderWay: Promise<unknown>,
): Promise<void> {
  const words = [worker, directory, JSON.stringify(call)];
  const child = spawn(process.execPath, words, { env: environment, stdio: 'inherit' });
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  try {
    await Promise.race([isUnderWay, ended]);
  } finally {
    child.kill('SIGKILL');
    const [code, signal] = await ended;
    // A call may end before it is killed, but it must not fail.
    assert.ok(code === 0 || signal === 'SIGKILL', `the call failed before it was killed: ${code}`);
  }
}

/** Removes a name from index.json, as a tool that writes OCI layouts does. */
function withoutName(index: string, name: string): void {
  const parsed = JSON.parse(readFileSync(index, 'utf8')) as {
    readonly manifests: readonly { readonly annotations?: Readonly<Record<string, string>> }[];
  };
  const manifests = parsed.manifests.filter(
    ({ annotations }) => annotations?.['org.opencontainers.image.ref.name'] !== name,
  );
  writeFileSync(index, JSON.stringify({ ...parsed, manifests }));
}
