import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tree } from '../../support/tree.ts';
import { of } from './found.ts';

const files: Tree = {
  '/opt/app/docker-compose.yml': 'services: {web: {image: "q.io/web:${TAG:-1}"}}\n',
  '/opt/app/start.sh':
    '#!/bin/bash\nset -e\ncd "$(dirname "$0")"\n. ./env\nsource /etc/default/none || true\n${DOCKER:-docker} run --rm \\\n  --name app \\\n  -e A=b \\\n  "$IMAGE:$TAG"\n',
  '/opt/app/env': 'IMAGE=q.io/app\nTAG=5\n',
  '/opt/app/outer.sh':
    '#!/bin/sh -e\nHERE=$(dirname "$(readlink -f "$0")")\nexec "$HERE/start.sh" "$@"\n',
  '/opt/app/detect.sh':
    '#!/usr/bin/env bash\nif command -v podman >/dev/null; then ENGINE=podman; else ENGINE=docker; fi\n"$ENGINE" run q.io/a\n',
  '/opt/app/service.sh':
    '#!/bin/sh\nstart() {\n  docker rm -f app 2>/dev/null\n  docker run -d --name app q.io/app:"$1"\n}\ncase "$1" in\n  start) start 3 ;;\n  stop) docker stop app ;;\n  update) docker pull q.io/app:new ;;\n  *) echo "usage" >&2; exit 1 ;;\nesac\n',
  '/opt/app/wait.sh':
    '#!/bin/sh\nuntil docker info >/dev/null 2>&1; do\n  sleep 1\ndone\nif ! docker image inspect q.io/app:1 >/dev/null; then\n  docker load -i /opt/app.tar\nfi\ndocker run q.io/app:1\n',
  '/opt/app/heredoc.sh':
    '#!/bin/sh\ncat <<EOF >/run/app.yaml\nkind: Pod\nEOF\npodman kube play /run/app.yaml\nssh other <<EOF\ndocker run q.io/x\nEOF\nsh <<EOF\ndocker run q.io/y\nEOF\n',
  '/opt/app/plain.sh':
    '#!/bin/sh\necho "this starts no docker container"\nexec /usr/bin/app --run "$@"\n',
  '/opt/app/calls-plain.sh': '#!/bin/sh\n/opt/app/plain.sh\n',
  '/opt/app/loop-a.sh': '#!/bin/sh\n/opt/app/loop-b.sh\ndocker run q.io/a\n',
  '/opt/app/loop-b.sh': '#!/bin/sh\nexec /opt/app/loop-a.sh\n',
  '/opt/app/run.py': '#!/usr/bin/env python3\nsubprocess.run(["docker", "run", "q.io/a"])\n',
  '/opt/app/no-mark': 'docker run q.io/app:1\n',
  '/opt/app/exec.sh': '#!/bin/sh\nexec "$@"\n',
  '/usr/local/bin/on-path': '#!/bin/sh\npodman run q.io/path:1\n',
  '/opt/app/pod.yaml': 'kind: Pod\nspec: {containers: [{image: q.io/pod:1}]}\n',
};

const app = 'WorkingDirectory=/opt/app\nExecStart=';

const units: readonly (readonly [lines: string, ...found: string[]])[] = [
  // What `podman generate systemd` has written, with and without --new.
  ['ExecStart=/usr/bin/podman start web\nExecStop=/usr/bin/podman stop -t 10 web'],
  [
    'ExecStartPre=/bin/rm -f %t/%n.ctr-id\nExecStart=/usr/bin/podman run --cidfile=%t/%n.ctr-id --cgroups=no-conmon --rm --sdnotify=conmon --replace -d --name web -p 80:80 q.io/a:1\nExecStop=/usr/bin/podman stop --ignore --cidfile=%t/%n.ctr-id\nExecStopPost=/usr/bin/podman rm -f --ignore --cidfile=%t/%n.ctr-id',
    'q.io/a:1',
  ],
  [
    'ExecStart=/usr/bin/podman run \\\n\t--cidfile=%t/%n.ctr-id \\\n\t--conmon-pidfile %t/%n-pid -d \\\n\tq.io/a:1 nginx \\\n\t-g "daemon off;"',
    'q.io/a:1',
  ],
  [
    'ExecStartPre=/bin/rm -f %t/pod.pid %t/pod.pod-id\nExecStartPre=/usr/bin/podman pod create --infra-conmon-pidfile %t/pod.pid --pod-id-file %t/pod.pod-id --exit-policy=stop --name p --replace\nExecStart=/usr/bin/podman pod start --pod-id-file %t/pod.pod-id',
  ],
  ['ExecStart=/usr/bin/podman run --pod-id-file %t/pod.pod-id -d q.io/a:1', 'q.io/a:1'],
  ['ExecStart=/usr/bin/podman container start -a web'],
  // docker in its many forms.
  [
    'ExecStartPre=-/usr/bin/docker stop %n\nExecStartPre=-/usr/bin/docker rm %n\nExecStartPre=/usr/bin/docker pull redis\nExecStart=/usr/bin/docker run --rm --name %n redis',
    'docker.io/library/redis:latest pull-always',
    'docker.io/library/redis:latest',
  ],
  [
    'Environment=IMAGE=q.io/a:1 NAME=a\nExecStartPre=-/bin/sh -c \'if ! docker images | tr -s " " : | grep "^${IMAGE}:"; then docker pull "${IMAGE}"; fi\'\nExecStart=/usr/bin/docker run --name=${NAME} $IMAGE',
    'q.io/a:1',
    'q.io/a:1',
  ],
  ['ExecStart=/bin/bash -lc "exec docker run q.io/a:1 >>/var/log/a 2>&1"', 'q.io/a:1'],
  ["ExecStart=/usr/bin/bash -c 'docker start $(docker ps -a -q)'"],
  ['ExecStart=/bin/sh -c "docker ps -q -f health=unhealthy | xargs -r docker restart"'],
  ['ExecStart=/bin/sh -c "cat /etc/images | xargs -n1 docker pull"', 'command-line:1'],
  [
    'ExecStart=/bin/sh -c "docker inspect a >/dev/null 2>&1 || docker run -d --name a q.io/a:1"',
    'q.io/a:1',
  ],
  ['ExecStart=/bin/sh -c "docker events | while read -r id; do docker restart x; done"'],
  ['ExecStart=/usr/bin/docker run --rm $(cat /etc/args) q.io/a', 'variable:1'],
  ['ExecStart=/bin/sh -c \'docker run "$IMAGE"\'', '- variable'],
  ["ExecStart=/bin/sh -c '$DOCKER run q.io/a'", 'command-line:1'],
  ['ExecStart=/bin/sh -c "docker save q.io/a | ssh other docker load"', 'command-line:1'],
  ['ExecStart=-/usr/bin/docker pull q.io/a:1 --quiet', 'q.io/a:1'],
  ['ExecStart=/usr/bin/docker service create --name a q.io/a', 'command-line:1'],
  ['ExecStart=/usr/bin/docker container run q.io/a:1', 'q.io/a:1'],
  // Compose.
  [`${app}/usr/bin/docker compose up -d`, 'q.io/web:1'],
  [`${app}/usr/local/bin/docker-compose -f docker-compose.yml up -d --build`, 'q.io/web:1'],
  [`${app}/bin/sh -c "TAG=2 docker compose up -d"`, 'q.io/web:2'],
  [
    "ExecStart=/usr/bin/bash -c 'docker compose -f /opt/app/docker-compose.yml up -d && docker start b 2>/dev/null || true'",
    'q.io/web:1',
  ],
  ['ExecStart=/usr/bin/env -C /opt/app docker compose up', 'q.io/web:1'],
  ['ExecStart=/usr/bin/sudo -D /opt/app docker compose up', 'q.io/web:1'],
  ['ExecStart=/usr/bin/su - app -c "docker compose up"', 'command-line:1'],
  ['ExecStart=/usr/bin/su - app -c "cd /opt/app && docker compose up"', 'q.io/web:1'],
  ['ExecStart=systemd-run -p WorkingDirectory=/opt/app docker compose up', 'q.io/web:1'],
  [`${app}systemd-run docker compose up`, 'compose:2'],
  [`${app}systemd-run --scope docker compose up`, 'q.io/web:1'],
  [`${app}/bin/sh -c "cd $DIR && docker compose up"`, 'shell:2'],
  [`${app}/bin/sh -c "docker compose -f - up <docker-compose.yml"`, 'command-line:2'],
  // Kubernetes YAML.
  [`${app}/usr/bin/podman kube play pod.yaml`, 'q.io/pod:1'],
  [`${app}/bin/sh -c "podman kube play - <pod.yaml"`, 'command-line:2'],
  // Scripts.
  ['ExecStart=/opt/app/start.sh', 'q.io/app:5'],
  ['ExecStart=/opt/app/outer.sh --now', 'q.io/app:5'],
  ['Environment=DOCKER=podman\nExecStart=/bin/bash -x /opt/app/outer.sh', 'q.io/app:5'],
  [`${app}./start.sh`],
  [`${app}/bin/bash start.sh`, 'q.io/app:5'],
  [`${app}/bin/bash no-mark`, 'q.io/app:1'],
  ['ExecStart=/opt/app/no-mark'],
  ['ExecStart=/opt/app/detect.sh', 'variable:1'],
  ['ExecStart=/opt/app/service.sh start\nExecStop=/opt/app/service.sh stop', 'q.io/app:3'],
  ['ExecStart=/opt/app/wait.sh', '-', 'q.io/app:1'],
  ['ExecStart=/opt/app/heredoc.sh', 'q.io/y:latest', 'command-line:1', 'command-line:1'],
  ['ExecStart=/opt/app/plain.sh'],
  ['ExecStart=/opt/app/calls-plain.sh'],
  ['ExecStart=/opt/app/loop-a.sh', ...Array.from({ length: 4 }, () => 'q.io/a:latest'), 'shell:1'],
  ['ExecStart=/opt/app/run.py', 'shell:1'],
  ['ExecStart=/usr/bin/python3 -u /opt/app/run.py', 'shell:1'],
  ['ExecStart=/opt/app/exec.sh podman run q.io/a:1', 'q.io/a:1'],
  ['ExecStart=/opt/app/missing.sh podman run q.io/a:1', 'command-line:1'],
  ['ExecStart=on-path', 'q.io/path:1'],
  ['ExecStart=flock /run/l -c "podman run q.io/a:1"', 'q.io/a:1'],
  ['ExecStart=timeout 9 /opt/app/start.sh', 'q.io/app:5'],
  ['StandardInput=file:/opt/app/start.sh\nExecStart=/bin/sh', 'shell:1'],
  ['StandardInputText=docker run q.io/a:1\nExecStart=/bin/sh', 'shell:1'],
  ['StandardInput=file:/opt/app/plain.sh\nExecStart=/bin/sh'],
  ['RootDirectory=/srv/os\nExecStart=/usr/bin/podman run q.io/a:1', 'q.io/a:1', 'command-line:1'],
  // Other ways to run a container.
  ['ExecStart=/usr/bin/runc run --bundle /opt/b app', 'command-line:1'],
  ['ExecStart=/usr/bin/crun run app\nExecStopPost=/usr/bin/crun delete app', 'command-line:1'],
  ['ExecStart=/usr/bin/systemd-nspawn --oci-bundle=/opt/b', 'command-line:1'],
  ['ExecStart=/usr/bin/systemd-nspawn --quiet --boot --machine=%i'],
  ['ExecStart=/usr/bin/machinectl pull-tar https://x.org/a.tar.gz a', 'command-line:1'],
  ['ExecStart=/usr/bin/machinectl start a'],
  ['ExecStart=/usr/bin/lxc launch ubuntu:24.04 a', 'command-line:1'],
  ['ExecStart=/usr/bin/lxc-start -n a'],
  ['ExecStart=/usr/bin/rkt run docker://nginx', 'command-line:1'],
  ['ExecStart=/usr/bin/toolbox run -c a app', 'command-line:1'],
  ['ExecStart=/usr/bin/distrobox-enter a -- app', 'command-line:1'],
  ['ExecStart=/usr/bin/apptainer run docker://q.io/a', 'command-line:1'],
  ['ExecStart=/usr/bin/kubectl apply -f /opt/app/pod.yaml', 'command-line:1'],
  ['ExecStart=/usr/bin/kubectl proxy'],
  ['ExecStart=/usr/local/bin/helm upgrade --install a chart', 'command-line:1'],
  ['ExecStart=/usr/bin/kubeadm init', 'command-line:1'],
  ['ExecStart=/usr/local/bin/k3s ctr images import /opt/a.tar', 'command-line:1'],
  ['ExecStart=/usr/bin/podman-remote run q.io/a', 'command-line:1'],
];

for (const [lines, ...expected] of units) {
  test(`a unit as the public writes them: ${lines.split('\n').at(-1)}`, async (t) => {
    assert.deepEqual(await of(t, lines, files), expected);
  });
}
