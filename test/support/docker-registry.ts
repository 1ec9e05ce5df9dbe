import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** Who may use a docker-registry that is started with `login`. */
export const dockerRegistryLogin = { username: 'robot', password: 'hunter2-secret' };

/** htpasswd(1) takes only bcrypt here: 16 rounds, quick and no secret. */
const HTPASSWD = 'robot:$2b$04$ad0r5PhSVMV53McvDX9.xuVhzACmUXIguCQTR3z2dtKEB0qj9CxUG\n';

/** Starts Debian's docker-registry on a port of loopback, and returns its `127.0.0.1:PORT`. */
export async function startDockerRegistry(
  t: TestContext,
  directory: string,
  options: { readonly login: boolean },
): Promise<string> {
  const { host, stop } = await runDockerRegistry(directory, options);
  t.after(stop);
  return host;
}

export interface DockerRegistry {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** What was read of blobs and manifests since it was started, in its own words: path and bytes. */
  readonly served: () => readonly Served[];
  readonly stop: () => Promise<void>;
}

export interface Served {
  /** `side/blobs/sha256:…` */
  readonly path: string;
  readonly bytes: number;
}

/** As `startDockerRegistry`, ended by hand. */
export async function runDockerRegistry(
  directory: string,
  options: { readonly login: boolean; readonly port?: string },
): Promise<DockerRegistry> {
  const path = (name: string) => join(directory, name);
  writeFileSync(path('htpasswd'), HTPASSWD);
  const auth = options.login
    ? { auth: { htpasswd: { realm: 'test', path: path('htpasswd') } } }
    : {};
  const config = {
    version: '0.1',
    storage: { filesystem: { rootdirectory: path('data') } },
    http: { addr: `127.0.0.1:${options.port ?? 0}` },
    ...auth,
  };
  // JSON is YAML.
  writeFileSync(path('config.yml'), JSON.stringify(config));
  // What it says goes to a file: a test that waits for a program reads no pipe meanwhile, and with
  // a full one the registry would stand still.
  const log = path('log');
  const output = openSync(log, 'w');
  const watcher = watch(log);
  const child = spawn('docker-registry', ['serve', path('config.yml')], {
    env: { PATH: process.env['PATH'], OTEL_TRACES_EXPORTER: 'none' },
    stdio: ['ignore', 'ignore', output],
  });
  closeSync(output);
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  try {
    return await new Promise<DockerRegistry>((done, fail) => {
      const said = () => readFileSync(log, 'utf8');
      watcher.on('change', () => {
        const host = /listening on (127\.0\.0\.1:\d+)/.exec(said())?.[1];
        if (host !== undefined) done({ host, served: () => servedIn(said()), stop });
      });
      child.once('error', fail);
      child.once('exit', () => fail(new Error(`docker-registry did not start: ${said()}`)));
    });
  } finally {
    child.removeAllListeners();
    watcher.close();
  }
}

/** Of its log: only those that it answered with content. */
function servedIn(log: string): readonly Served[] {
  return log.split('\n').flatMap((line) => {
    const said = (key: string) => new RegExp(`http\\.${key}="?([^" ]*)`).exec(line)?.[1] ?? '';
    const bytes = Number(said('response.written'));
    const isRead = line.includes('response completed') && said('request.method') === 'GET';
    if (!isRead || said('response.status') !== '200' || bytes === 0) return [];
    return [{ path: said('request.uri').replace(/^\/v2\//, ''), bytes }];
  });
}
