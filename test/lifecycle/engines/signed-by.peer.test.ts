import assert from 'node:assert/strict';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { type Machine, startMachine, writeRoot } from '../../support/berth.ts';
import { skipContainerd, startContainerd } from '../../support/containerd.ts';
import { skipDocker, startDocker } from '../../support/docker.ts';
import { startGpg, statement } from '../../support/gpg.ts';
import { buildImage } from '../../support/image-builder.ts';

test('docker gets what policy.json permits, and nothing else', { skip: skipDocker }, async (t) => {
  const machine = await startMachine(t);
  const docker = await startDocker(t, { suite: 'trixie' });
  machine.environment['DOCKER_HOST'] = docker.environment['DOCKER_HOST'];
  const has = async (name: string) => (await docker.tryDocker('inspect', name)).code === 0;
  await judges(t, machine, 'docker', has);
});

test('containerd gets what policy.json permits, and nothing else', {
  skip: skipContainerd,
}, async (t) => {
  const machine = await startMachine(t);
  const insecure = [machine.registry.host];
  const containerd = await startContainerd(t, 'trixie', { insecure });
  machine.environment['CONTAINERD_ADDRESS'] = containerd.socket;
  const has = async (name: string) => {
    const names = await containerd.ctr('--namespace', 'k8s.io', 'images', 'ls', '--quiet');
    return names.split('\n').includes(name);
  };
  await judges(t, machine, 'containerd', has);
});

/** An engine that knows no policy.json: berth judges, over a network and without one. */
async function judges(
  t: TestContext,
  machine: Machine,
  engine: string,
  has: (name: string) => Promise<boolean>,
): Promise<void> {
  const { registry, directory } = machine;
  const gpg = startGpg(t);
  gpg.key('a');
  const lookaside = join(directory, 'signatures');
  const config = join(directory, 'home/.config/containers');
  mkdirSync(join(config, 'registries.d'));
  const file = join(config, 'registries.d/all.yaml');
  writeFileSync(file, `default-docker:\n  lookaside: file://${lookaside}\n`);
  const keyData = gpg.public('a').toString('base64');
  const policy = { default: [{ type: 'signedBy', keyType: 'GPGKeys', keyData }] };
  writeFileSync(join(config, 'policy.json'), JSON.stringify(policy));
  const push = (repository: string, seed: number) => {
    const { top } = buildImage({ layers: [{ bytes: 1000, seed }] });
    registry.push(`${repository}:1`, buildImage({ layers: [{ bytes: 1000, seed }] }));
    return { name: `${registry.host}/${repository}:1`, digest: top.digest };
  };
  const [signed, unsigned] = [push('signed', 1), push('unsigned', 2)];
  const place = join(lookaside, `signed@${signed.digest.replace(':', '=')}`);
  mkdirSync(place, { recursive: true });
  const message = gpg.sign('a', JSON.stringify(statement(signed.name, signed.digest)));
  writeFileSync(join(place, 'signature-1'), message);
  const rootOf = (id: string, ...names: readonly string[]) =>
    writeRoot(join(directory, id), {
      'usr/lib/berth/images.d/0.list': `# engine: ${engine}\n${names.join('\n')}\n`,
    });
  const works = async (...words: readonly string[]) => {
    const { code, stderr } = await machine.berth(...words);
    assert.equal(code, 0, `${words.join(' ')}: ${stderr}`);
  };

  const root = rootOf('one', signed.name);
  const bundle = join(directory, 'site.tar');
  await works('bundle', '--output', bundle, root);
  registry.requests.length = 0;
  registry.fault = () => ({ status: 503 });
  const away = `${lookaside}-away`;
  renameSync(lookaside, away);
  await works('load', bundle);
  await works('stage', '--id', 'one', root);
  await works('verify', 'one');
  assert.equal(await has(signed.name), true);
  assert.deepEqual(registry.requests, [], 'no registry was asked');

  registry.fault = undefined;
  renameSync(away, lookaside);
  const names = [signed.name, unsigned.name];
  const both = await machine.berth('stage', '--id', 'both', rootOf('both', ...names));
  assert.equal(both.code, 4, both.stderr);
  assert.match(both.stderr, /unsigned:1: no signature of sha256:\w+ was found/);
  assert.equal(await has(unsigned.name), false);
}
