import assert from 'node:assert/strict';
import { test } from 'node:test';
import { discovered } from '../../support/tree.ts';

/** The archive, its use, the name under which it is copied and the engine; or the codes of the problems. */
async function found(t: Parameters<typeof discovered>[0], lines: string): Promise<string[]> {
  const { references, problems } = await discovered(t, {
    '/etc/hostname': 'x',
    '/etc/systemd/system/a.service': `[Service]\nWorkingDirectory=/opt\n${lines}\n`,
  });
  return [
    ...references.flatMap(({ image, archived, engine, problems: own, pull }) =>
      own.length > 0
        ? own.map(({ code }) => code)
        : [[archived?.text, archived?.use, archived?.as, image, pull.policy, engine].join(' ')],
    ),
    ...problems.map(({ code }) => code),
  ];
}

const taken = 'docker-archive:/usr/a.tar at-start   missing podman';
const loaded = (path: string, engine: string) => `${path} into-engine   missing ${engine}`;

test('commands that take images from archives', async (t) => {
  for (const [line, expected] of [
    ['podman run --rm docker-archive:/usr/a.tar true', taken],
    ['podman run --pull=always docker-archive:/usr/a.tar', taken],
    ['podman create --name a docker-archive:/usr/a.tar', taken],
    ['sh -c "exec podman run docker-archive:/usr/a.tar"', taken],
    ['podman pull oci-archive:/usr/a.tar:x', loaded('oci-archive:/usr/a.tar:x', 'podman')],
    ['podman image pull -q dir:/usr/a', loaded('dir:/usr/a', 'podman')],
    ['podman load -i /usr/a.tar', loaded('/usr/a.tar', 'podman')],
    ['podman load -q --input=a.tar', loaded('/opt/a.tar', 'podman')],
    ['podman image load --input /usr/a.tar', loaded('/usr/a.tar', 'podman')],
    ["sh -c 'podman load < /usr/a.tar'", loaded('/usr/a.tar', 'podman')],
    ["sh -ec 'cd /usr; f=a; docker load -q <$f.tar >/dev/null'", loaded('/usr/a.tar', 'docker')],
    ["sh -c 'ctr images import - < /usr/a.tar'", loaded('/usr/a.tar', 'containerd:default')],
    ["sh -c 'for f in /usr/a.tar; do podman load -i $f; done'", loaded('/usr/a.tar', 'podman')],
    ['docker load -qi /usr/a.tar', loaded('/usr/a.tar', 'docker')],
    ['docker image load -i /usr/a.tar', loaded('/usr/a.tar', 'docker')],
    ['nerdctl -n k8s.io load -i /usr/a.tar', loaded('/usr/a.tar', 'containerd')],
    ['ctr -n k8s.io images import /usr/a.tar', loaded('/usr/a.tar', 'containerd')],
    ['ctr -n x image import --base-name y /usr/a.tar', loaded('/usr/a.tar', 'containerd:x')],
    [
      'skopeo copy docker-archive:/usr/a.tar:q.io/b:1 containers-storage:q.io/a:1',
      'docker-archive:/usr/a.tar:q.io/b:1 into-engine q.io/a:1  missing podman',
    ],
    [
      'skopeo copy oci:/usr/a docker-daemon:q.io/a:1',
      'oci:/usr/a into-engine q.io/a:1  missing docker',
    ],
  ] as const) {
    assert.deepEqual(await found(t, `ExecStart=${line}`), [expected], line);
  }
});

test('archives that can not be known are problems', async (t) => {
  for (const [line, code] of [
    ['podman load', 'command-line'],
    ['podman load -q -i -', 'command-line'],
    ['docker load', 'command-line'],
    ['ctr images import -', 'command-line'],
    ['podman load -i /var/tmp/%H.tar', 'specifier'],
    ['podman load -i /run/a.tar', 'archive'],
    ['podman run docker-archive:a.tar', 'archive'],
    ['podman volume create --driver image --opt image=oci:/usr/a x', 'transport'],
    ['podman image mount oci:/usr/a', 'transport'],
    ['docker run docker-archive:/usr/a.tar', 'transport'],
    ['skopeo copy oci:/usr/a dir:/var/a', 'command-line'],
    ['skopeo copy oci:/usr/a containers-storage:', 'image-name'],
    ["sh -c 'podman load 3< /usr/a.tar'", 'command-line'],
    ["sh -c 'podman load < $(date).tar'", 'shell'],
    ["sh -c 'zcat /usr/a.tar.gz | docker load'", 'command-line'],
  ] as const) {
    assert.deepEqual(await found(t, `ExecStart=${line}`), [code], line);
  }
});
