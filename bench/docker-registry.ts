import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

/** Debian's docker-registry on a free port of 127.0.0.1, with its storage in `directory`. */
export async function startDockerRegistry(
  directory: string,
): Promise<{ host: string; stop: () => Promise<void> }> {
  mkdirSync(directory, { recursive: true });
  const port = await freePort();
  const config = join(directory, 'config.yml');
  writeFileSync(
    config,
    `version: 0.1\nlog: {level: info, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: ${directory}}}\n` +
      `http: {addr: "127.0.0.1:${port}"}\n`,
  );
  const child = spawn('docker-registry', ['serve', config], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await listening(child);
  const stop = async () => {
    const ended = once(child, 'exit');
    child.kill();
    await ended;
  };
  process.once('exit', () => child.kill());
  return { host: `127.0.0.1:${port}`, stop };
}

async function listening(child: ChildProcess): Promise<void> {
  const heard = Promise.withResolvers<void>();
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    if (text.includes('listening on')) heard.resolve();
  });
  child.once('error', heard.reject);
  child.once('exit', () => heard.reject(new Error(`docker-registry ended: ${text}`)));
  await heard.promise;
}

/** A port of 127.0.0.1 on which nobody listens yet. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
