import assert from 'node:assert/strict';
import { test } from 'node:test';
import { discovered, problems, type Tree } from '../../support/tree.ts';

const passwd = 'root:x:0:0::/root:/bin/sh\napp:x:1001:1001::/home/app:/bin/sh\n';
const run = '/usr/bin/podman run --rm q.io/a:1';

/** `image engine`, or the codes of the problems. */
async function found(t: Parameters<typeof discovered>[0], lines: string, tree: Tree = {}) {
  const all = await discovered(t, {
    '/etc/passwd': passwd,
    '/etc/systemd/system/a.service': `[Service]\nWorkingDirectory=/opt\n${lines}\n`,
    ...tree,
  });
  return [
    ...all.references.map(({ image = '-', engine = '-' }) => `${image} ${engine}`),
    ...problems(all).map((problem) => problem.split(' ', 1)[0] ?? ''),
  ];
}

test('commands behind other programs', async (t) => {
  for (const [line, engine] of [
    [`ionice -c3 ${run}`, 'podman'],
    [`/usr/bin/systemd-cat -t web ${run}`, 'podman'],
    [`setsid --fork ${run}`, 'podman'],
    [`chronic podman run q.io/a:1`, 'podman'],
    [`taskset -c 0 ${run}`, 'podman'],
    [`stdbuf -oL ${run}`, 'podman'],
    [`chrt -f 10 ${run}`, 'podman'],
    [`prlimit --nofile=100 ${run}`, 'podman'],
    [`tini -g -- ${run}`, 'podman'],
    [`systemd-run --scope -p MemoryMax=1G ${run}`, 'podman'],
    [`systemd-run --uid=app ${run}`, 'podman:app'],
    [`sudo -u app ${run}`, 'podman:app'],
    [`sudo -u #1001 -- ${run}`, 'podman:app'],
    [`sudo TAG=1 ${run}`, 'podman'],
    [`runuser -u app -- ${run}`, 'podman:app'],
    [`setpriv --reuid=1001 --clear-groups ${run}`, 'podman:app'],
    [`su - app -c "${run}"`, 'podman:app'],
    [`su -c "${run}" app`, 'podman:app'],
    [`runuser -l app -c '${run}'`, 'podman:app'],
    [`doas -u app ${run}`, 'podman:app'],
    [`nice -n 5 sudo -n -u app env TAG=2 nohup ${run}`, 'podman:app'],
    [`busybox sh -c '${run}'`, 'podman'],
    [`bash -euo pipefail -c '${run}'`, 'podman'],
    [`bash --norc -o pipefail -c '${run}'`, 'podman'],
    [`su - app -- -lc '${run}'`, 'podman:app'],
    [`su app --session-command='${run}'`, 'podman:app'],
    [`sh -c 'sudo -u app sh -c "${run}"'`, 'podman:app'],
    [`systemd-run -p User=app ${run}`, 'podman:app'],
    [`env -C /srv ${run}`, 'podman'],
    [`numactl --weighted-interleave 0 -l ${run}`, 'podman'],
    [`busybox timeout -s INT 30 ${run}`, 'podman'],
    [`start-stop-daemon --start -b --exec /usr/bin/podman -- run q.io/a:1`, 'podman'],
    [
      `start-stop-daemon -S -p /run/a.pid -c app:app -a /usr/bin/podman -- run q.io/a:1`,
      'podman:app',
    ],
  ]) {
    assert.deepEqual(await found(t, `ExecStart=${line}`), [`q.io/a:1 ${engine}`], line);
  }
});

test('commands that run elsewhere, or behind an unknown program, are problems', async (t) => {
  for (const line of [
    `systemd-nspawn -D / ${run}`,
    `chroot /srv ${run}`,
    `nsenter -t 1 -m ${run}`,
    `ssh other ${run}`,
    `sudo --chroot=/srv ${run}`,
    `systemd-run -M other ${run}`,
    `/opt/launch ${run}`,
    `systemd-run -p RootDirectory=/srv ${run}`,
    `env -S 'A=1 ${run}'`,
    `start-stop-daemon -S -r /srv -x /usr/bin/podman -- run q.io/a:1`,
    `podman unshare ${run}`,
    `unshare -m docker stack deploy -c /opt/a.yaml a`,
    'toolbox create --image q.io/a:1 x',
    'ctr content fetch q.io/a:1',
    'ctr images mount q.io/a:1 /mnt',
    'podman load -q',
    'podman quadlet install /opt/a.quadlets',
    'podman something-new q.io/a:1',
    'docker stack deploy -c /opt/a.yaml a',
    'crictl runp /opt/pod.json',
    'skopeo sync --src docker --dest dir q.io/a /var/a',
    'skopeo copy docker://q.io/a:1 dir:/var/a',
    'skopeo copy docker://q.io/a:1 containers-storage:localhost/b:1',
  ]) {
    const wrong = await found(t, `ExecStart=${line}`);
    assert.ok(
      wrong.length === 1 && /^(?:command-line|shell|transport)$/.test(wrong[0] ?? ''),
      `${line}: ${wrong.join()}`,
    );
  }
});

test('programs that start nothing may have containers in their words', async (t) => {
  for (const line of [
    '/bin/mkdir -p /run/docker create',
    'echo podman run q.io/a:1',
    'systemctl start podman run',
    'podman container prune -f',
    'podman pod start web',
    'docker system prune -a -f',
    'skopeo login q.io',
    'buildah rm -a',
    'crictl rmi --prune',
    'ctr -n k8s.io task ls',
    'ctr run --rootfs /srv/root a',
    'start-stop-daemon -K -x /usr/bin/podman',
  ]) {
    assert.deepEqual(await found(t, `ExecStart=${line}`), [], line);
  }
});

test('subcommands besides run and pull name images', async (t) => {
  const tree = { '/opt/x/Containerfile': 'FROM q.io/base:1\nRUN x\n' };
  for (const [line, ...expected] of [
    ['podman build -t x /opt/x', 'q.io/base:1 podman'],
    ['docker build x', 'q.io/base:1 docker'],
    ['buildah bud -f /opt/x/Containerfile .', 'q.io/base:1 podman'],
    ['buildah from q.io/a:1', 'q.io/a:1 podman'],
    ['buildah from scratch'],
    ['podman pod create --infra-image q.io/pause:1 web', 'q.io/pause:1 podman'],
    ['podman pod create --infra=false --infra-image q.io/pause:1 web'],
    ['podman image mount q.io/a:1', 'q.io/a:1 podman'],
    ['podman container runlabel install q.io/a:1', 'q.io/a:1 podman'],
    ['podman volume create --driver image --opt image=q.io/v:1 v', 'q.io/v:1 podman'],
    ['-crictl pull q.io/a:1', 'q.io/a:1 containerd'],
    ['-crictl -r unix:///run/crio/crio.sock pull q.io/a:1', 'q.io/a:1 crio'],
    ['-skopeo copy docker://q.io/a:1 containers-storage:q.io/a:1', 'q.io/a:1 podman'],
    ['-skopeo copy docker://a:1 docker-daemon:a:1', 'docker.io/library/a:1 docker'],
  ]) {
    assert.deepEqual(await found(t, `ExecStart=${line}`, tree), expected, line);
  }
});

test('images of commands that stop or reload a service are named, too', async (t) => {
  const lines = ['ExecStart=/bin/true', `ExecStop=${run}`, 'ExecReload=podman run q.io/b:1'];
  assert.deepEqual(await found(t, lines.join('\n')), ['q.io/a:1 podman', 'q.io/b:1 podman']);
});

test('su and runuser keep the variables of the service unless they log the user in', async (t) => {
  const script = 'podman run q.io/a:$$TAG';
  const unit = (line: string) => `Environment=TAG=2\nExecStart=${line}`;
  for (const line of [
    `su app -c "${script}"`,
    `runuser app -s /bin/sh -c "${script}"`,
    `runuser -u app -- sh -c "${script}"`,
    `su -m app -c "${script}"`,
  ]) {
    assert.deepEqual(await found(t, unit(line)), ['q.io/a:2 podman:app'], line);
  }
  for (const line of [`su - app -c "${script}"`, `runuser --login app -c "${script}"`]) {
    assert.deepEqual(await found(t, unit(line)), ['- podman:app', 'variable'], line);
  }
});

test('what systemd leaves to the shell has the default of the shell', async (t) => {
  const lines = (line: string) => `Environment=TAG=2\nExecStart=${line}`;
  const script = 'sh -c "podman run q.io/a:${TAG:-1} && podman run q.io/b:${NONE:-1}"';
  assert.deepEqual(await found(t, lines(script)), ['q.io/a:2 podman', 'q.io/b:1 podman']);
});

test('a script is read if a shell runs it; else it is a problem', async (t) => {
  const start = 'ExecStart=/bin/sh -e /opt/start.sh';
  const plain = '#!/bin/sh\n# docker create\nset -e\nTAG=3\npodman run q.io/a:$TAG\n';
  assert.deepEqual(await found(t, start, { '/opt/start.sh': plain }), ['q.io/a:3 podman']);
  const asUser = 'ExecStart=runuser -u app -- /opt/start.sh';
  assert.deepEqual(await found(t, asUser, { '/opt/start.sh': plain }), ['q.io/a:3 podman:app']);
  const branched = '#!/usr/bin/env bash\nif true; then\n  podman run q.io/a:1\nfi\n';
  assert.deepEqual(await found(t, start, { '/opt/start.sh': branched }), ['q.io/a:1 podman']);
  const python = "#!/usr/bin/python3\nos.system('docker run q.io/a:1')\n";
  const direct = 'ExecStart=/opt/start.sh --now';
  assert.deepEqual(await found(t, direct, { '/opt/start.sh': python }), ['shell']);
  const harmless = '#!/bin/sh\n# podman run q.io/a:1\nif true; then podman rm -a; fi\n';
  assert.deepEqual(await found(t, direct, { '/opt/start.sh': harmless }), []);
});
