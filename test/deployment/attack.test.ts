import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { readBooted, readDeployments } from '../../src/deployment/read.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const A = `${'a'.repeat(64)}.0`;
const B = `${'b'.repeat(64)}.0`;

function host(t: TestContext, deployments: readonly (readonly [string, string])[]) {
  const dir = temporaryDirectory(t);
  const [sysroot, boot, run] = ['sysroot', 'boot', 'run'].map((d) => join(dir, d)) as [string, string, string];
  mkdirSync(join(boot, 'loader/entries'), { recursive: true });
  mkdirSync(join(run, 'ostree'), { recursive: true });
  writeFileSync(join(run, 'ostree-booted'), '');
  deployments.forEach(([os, id], i) => {
    const d = join(sysroot, 'ostree/deploy', os, 'deploy', id);
    mkdirSync(join(d, 'usr/etc'), { recursive: true });
    mkdirSync(join(sysroot, `ostree/boot.1/${os}/x`), { recursive: true });
    symlinkSync(`../../../deploy/${os}/deploy/${id}`, join(sysroot, `ostree/boot.1/${os}/x/${i}`));
    const n = deployments.length - i;
    writeFileSync(join(boot, `loader/entries/ostree-${n}-${os}.conf`), `title x\nversion ${n}\noptions root=x ostree=/ostree/boot.1/${os}/x/${i}\n`);
  });
  const at = (os: string, id: string) => join(sysroot, 'ostree/deploy', os, 'deploy', id);
  return { dir, sysroot, boot, run, at, places: (os: string, id: string) => ({ root: at(os, id), sysroot, boot, run }) };
}
const environment = { PATH: '/nonexistent' };

test('D1 /boot that is not mounted is no answer', async (t) => {
  const h = host(t, [['os', A], ['os', B]]);
  const places = h.places('os', A);
  const before = await readDeployments({ directories: undefined, places, environment });
  assert.deepEqual(before.deployments.map((d) => d.role), ['booted', 'rollback']);
  rmSync(join(h.boot, 'loader'), { recursive: true });
  const { deployments, failures } = await readDeployments({ directories: undefined, places, environment });
  t.diagnostic(JSON.stringify([deployments.map((d) => d.role), failures.length]));
  assert.ok((await readBooted({ directories: undefined, places, environment }))?.role === 'booted', 'activate still works');
  assert.ok(failures.length > 0 || deployments.length === 2, 'rollback silently gone');
});
test('D2 ids stay when another stateroot is booted', async (t) => {
  const h = host(t, [['one', A], ['two', A]]);
  const ids = async (os: string) => (await readDeployments({ directories: undefined, places: h.places(os, A), environment })).deployments.map((d) => [d.id.slice(60), d.location.split('/').at(-3)]);
  assert.deepEqual(await ids('one'), await ids('two'));
});
test('D3 malformed staged-deployment is a failure, not a fault', async (t) => {
  const h = host(t, [['os', A]]);
  // {'target': <{'name': <s without a NUL>}>}
  const pad = (b: Buffer) => Buffer.concat([b, Buffer.alloc((8 - (b.length % 8)) % 8)]);
  const entry = (key: string, type: string, value: Buffer) => {
    const k = Buffer.from(`${key}\0`);
    const body = Buffer.concat([pad(k), value, Buffer.from([0]), Buffer.from(type)]);
    const size = body.length + 1 <= 255 ? 1 : 2;
    const off = Buffer.alloc(size); off.writeUIntLE(k.length, 0, size);
    return Buffer.concat([body, off]);
  };
  const dict = (e: Buffer) => { const s = e.length + 1 <= 255 ? 1 : 2; const o = Buffer.alloc(s); o.writeUIntLE(e.length, 0, s); return Buffer.concat([e, o]); };
  const inner = dict(entry('name', 's', Buffer.from('abc')));
  writeFileSync(join(h.run, 'ostree/staged-deployment'), dict(entry('target', 'a{sv}', inner)));
  const { failures } = await readDeployments({ directories: undefined, places: h.places('os', A), environment });
  assert.equal(failures.length, 1);
});
for (const [name, make] of [
  ['directory', (p: string) => mkdirSync(p)],
  ['fifo', (p: string) => execFileSync('mkfifo', [p])],
  ['link loop', (p: string) => symlinkSync('staged-deployment', p)],
  ['big', (p: string) => writeFileSync(p, Buffer.alloc(2 << 20))],
  ['zeros', (p: string) => writeFileSync(p, Buffer.alloc(300))],
  ['ff', (p: string) => writeFileSync(p, Buffer.alloc(300, 255))],
  ['empty', (p: string) => writeFileSync(p, '')],
] as const) {
  test(`D4 staged-deployment ${name}`, { timeout: 5000 }, async (t) => {
    const h = host(t, [['os', A]]);
    make(join(h.run, 'ostree/staged-deployment'));
    const { failures } = await readDeployments({ directories: undefined, places: h.places('os', A), environment });
    t.diagnostic(failures[0]?.message ?? 'none');
    assert.equal(failures.length, 1);
  });
}
test('D5 hostile entries', { timeout: 5000 }, async (t) => {
  const h = host(t, [['os', A], ['os', B]]);
  execFileSync('mkfifo', [join(h.boot, 'loader/entries/ostree-9-os.conf')]);
  execFileSync('mkfifo', [`${h.at('os', B)}.origin`]);
  const r = await readDeployments({ directories: undefined, places: h.places('os', A), environment });
  t.diagnostic(JSON.stringify([r.deployments.length, r.failures.map((f) => f.message)]));
});
test('D6 ostree-booted link loop', async (t) => {
  const h = host(t, [['os', A]]);
  rmSync(join(h.run, 'ostree-booted'));
  symlinkSync('ostree-booted', join(h.run, 'ostree-booted'));
  const r = await readDeployments({ directories: undefined, places: h.places('os', A), environment });
  t.diagnostic(JSON.stringify([r.deployments.length, r.failures.length]));
});
test('D7 bootc null root, odd status', async () => {
  const { deploymentsIn } = await import('../../src/deployment/bootc.ts');
  const p = { root: '/', sysroot: '/s', boot: '/b', run: '/r' };
  for (const text of ['null', '[]', '{"status":[]}', '{"status":{"booted":1}}', '{"status":{"booted":{"ostree":{"stateroot":"a","checksum":"' + 'a'.repeat(64) + '","deploySerial":-1}}}}']) {
    try { console.log(text.slice(0, 30), JSON.stringify(deploymentsIn(text, p))); } catch (e: any) { console.log(text.slice(0, 30), e.code, e.message.slice(0, 100)); }
  }
});
