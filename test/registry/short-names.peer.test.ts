import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import test from 'node:test';
import { fullName } from '../../src/image/name.ts';
import { readShortNames } from '../../src/registry/registries-conf.ts';
import { skipPodman } from '../support/podman.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { rootOf, writeTree } from '../support/tree.ts';

/** Nothing listens there: podman says which name it tries, and fails at once. */
const nowhere = '127.0.0.1:9';

test('podman finds the same images for short names', { skip: skipPodman }, async (t) => {
  const files = {
    '/etc/containers/policy.json': '{"default":[{"type":"insecureAcceptAnything"}]}',
    '/etc/containers/registries.conf': `unqualified-search-registries = ["${nowhere}"]\n[aliases]\na = "${nowhere}/conf/a"\nb = "${nowhere}/conf/b"\nd = "${nowhere}/conf/d"\n`,
    '/etc/containers/registries.conf.d/1.conf': `[aliases]\nd = ""\ne = "${nowhere}/drop/e"\n`,
    '/var/cache/containers/short-name-aliases.conf': `[aliases]\na = ""\nb = "${nowhere}/mem/b"\nc = "${nowhere}/mem/c"\n`,
  };
  const { shortNames, problems } = await readShortNames(rootOf(t, files));
  assert.deepEqual(problems, []);
  const directory = temporaryDirectory(t);
  writeTree(directory, files);
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const mine = names.map((name) => {
    const found = fullName(name, shortNames);
    return found.ok ? found.name : found.code;
  });
  assert.deepEqual(mine, await Promise.all(names.map((name) => triedBy(directory, name))));
});

/** The image that podman tries to pull, with the directory's configuration in place of the machine's. */
function triedBy(directory: string, name: string): Promise<string | undefined> {
  const script = `
    mkdir -p /etc/containers /var/cache/containers "$1/$2"
    mount --bind "$1/etc/containers" /etc/containers
    mount --bind "$1/var/cache/containers" /var/cache/containers
    exec podman --root "$1/$2/store" --runroot "$1/$2/run" pull --tls-verify=false "$2"`;
  const words = ['--mount', 'sh', '-c', script, 'sh', directory, name];
  const env = { PATH: process.env['PATH'], HOME: join(directory, 'home') };
  return new Promise((done) => {
    execFile('unshare', words, { env }, (_, __, stderr) => {
      done(/Trying to pull (\S+?)\.\.\./.exec(stderr)?.[1]);
    });
  });
}
