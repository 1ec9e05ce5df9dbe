import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { clearAway } from '../../support/clear-away.ts';
import { isolated } from '../../support/podman.ts';

/** Runs berth's own podman service on a store of the test's own. */
export interface OwnStore {
  readonly directory: string;
  /** The directory of berth's socket. */
  readonly runtime: string;
  readonly environment: NodeJS.ProcessEnv;
  /** The command lines of the services that run here. */
  readonly services: () => readonly string[];
  /** Sends a signal to these services, and waits until they are gone. */
  readonly kill: (signal: NodeJS.Signals) => Promise<void>;
}

/** Configures podman by files, as nothing else reaches a service that berth starts. */
export function ownStore(t: TestContext, insecure: readonly string[] = []): OwnStore {
  const directory = mkdtempSync(join(tmpdir(), 'berth-test-own-'));
  t.after(() => clearAway(directory));
  const path = (name: string) => join(directory, name);
  const runtime = path('runtime');
  const own = () => podmans().filter(({ line }) => line.includes(runtime));
  mkdirSync(runtime);
  writeFileSync(
    path('storage.conf'),
    `[storage]\ndriver = "overlay"\ngraphroot = "${path('root')}"\nrunroot = "${path('run')}"\n`,
  );
  writeFileSync(path('containers.conf'), `[engine]\ntmp_dir = "${path('tmp')}"\n`);
  return {
    directory,
    runtime,
    environment: {
      ...isolated(directory, insecure),
      XDG_RUNTIME_DIR: runtime,
      CONTAINERS_STORAGE_CONF: path('storage.conf'),
      CONTAINERS_CONF: path('containers.conf'),
    },
    services: () => own().map(({ line }) => line),
    kill: async (signal) => {
      const pids = own().map(({ pid }) => pid);
      for (const pid of pids) process.kill(pid, signal);
      // A process loses its command line before its sockets are closed: wait until it is gone.
      while (pids.some((pid) => existsSync(`/proc/${pid}`))) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}

function podmans(): readonly { readonly pid: number; readonly line: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return { pid: Number(pid), line };
      } catch {
        // The process ended meanwhile.
        return { pid: Number(pid), line: '' };
      }
    })
    .filter(({ line }) => line.startsWith('podman '));
}
