import { type HostLab, service, startHostLab } from '../test/support/host-lab.ts';
import type { Booted } from '../test/support/ostree-host.ts';
import { freePort } from './docker-registry.ts';
import { inTurns, type Row, seconds } from './measure.ts';
import { startSlowLink } from './slow-link.ts';
import { startVisitor } from './visitor.ts';

const BYTES = 100_000_000;
const RUNS = 3;
const LINK = { roundTrip: 30, bitsPerSecond: 50e6 };

/**
 * For how long a service does not answer when it goes over to another image, on a real systemd with
 * a real Quadlet: by `berth apply`, and by a restart in which podman pulls.
 */
export async function benchApply(): Promise<Row[]> {
  const ends: (() => unknown)[] = [];
  const lab = await startHostLab({ after: (end) => void ends.push(end) }, { berth: true });
  try {
    const link = await startSlowLink({ target: lab.name('').replace('/', ''), ...LINK });
    ends.push(() => link.stop());
    const port = await freePort();
    const script = `exec /bin/busybox httpd -f -p 127.0.0.1:${port} -h /`;
    const push = (content: string, bytes: number) => {
      lab.push(`web:${content}`, content, bytes, script);
      return `${link.host}/web:${content}`;
    };
    const host = await bootWith(lab, link.host, push('0', 0));
    const { restart, staged, alone } = waysOf(host, push, `http://127.0.0.1:${port}/content`);
    const [theirs = 0, ours = 0, oursAlone = 0] = await inTurns(RUNS, [restart, staged, alone], 0);
    const against = 'systemctl restart, in which podman pulls';
    const row = { against, peer: seconds(theirs), limit: 0.2 };
    return [
      {
        work: 'downtime of a service, new image of 100 MB, 50 Mbit/s: apply of what was staged',
        berth: seconds(ours),
        ratio: ours / theirs,
        ...row,
      },
      {
        work: 'the same: apply, which fetches first',
        berth: seconds(oursAlone),
        ratio: oursAlone / theirs,
        ...row,
      },
    ];
  } finally {
    for (const end of ends) await end();
  }
}

async function bootWith(lab: HostLab, registry: string, image: string): Promise<Booted> {
  const insecure = `[[registry]]\nlocation = "${registry}"\ninsecure = true\n`;
  lab.commit('acme/a', {
    'usr/etc/containers/registries.conf.d/link.conf': insecure,
    ...unitOf(image),
  });
  lab.deploy('acme/a');
  const host = await lab.boot();
  process.once('exit', () => void host.kill());
  host.run('mkdir', '-p', '/etc/containers/systemd');
  return host;
}

const unitOf = (image: string) => service('web', image, '[Service]\nTimeoutStartSec=600');

function waysOf(host: Booted, push: (content: string, bytes: number) => string, url: string) {
  let count = 0;
  const downtime = async (prepare: () => void, change: () => void) => {
    count += 1;
    const content = String(count);
    const [text = ''] = Object.values(unitOf(push(content, BYTES)));
    const path = '/etc/containers/systemd/web.container';
    host.run('sh', '-c', 'printf %s "$1" > "$2"', 'sh', text, path);
    prepare();
    const visitor = startVisitor(url);
    try {
      await visitor.answered(String(count - 1));
      change();
      return await visitor.answered(content);
    } finally {
      visitor.stop();
    }
  };
  const nothing = () => undefined;
  const apply = () => void host.run('berth', 'apply', '--watch', '1');
  return {
    restart: () =>
      downtime(nothing, () => {
        host.run('systemctl', 'daemon-reload');
        host.run('systemctl', 'restart', 'web');
      }),
    staged: () => downtime(() => void host.run('berth', 'stage'), apply),
    alone: () => downtime(nothing, apply),
  };
}
