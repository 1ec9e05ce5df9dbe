import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tree } from '../../support/tree.ts';
import { of } from './found.ts';

const run = '#!/bin/sh\npodman run q.io/a:1\n';

const files: Tree = {
  '/opt/F': 'podman run q.io/a:1\n',
  '/usr/share/images.txt': 'q.io/a:1\n',
  '/etc/app.d/x': run,
  '/etc/app.d/x.sh': run,
  '/opt/bin/start-it': run,
  '/etc/image': 'q.io/a:1\n',
  '/etc/env': 'IMAGE=q.io/a:1\n',
  '/etc/images': 'q.io/a:1\n',
  '/etc/c.yml': 'services: {a: {image: q.io/a:1}}\n',
  '/opt/app/Makefile': 'up:\n	podman run q.io/a:1\n',
  '/opt/x.yml': '- podman_container: {image: q.io/a:1}\n',
  '/opt/x.awk': '#!/usr/bin/awk -f\nBEGIN { system("podman run q.io/a:1") }\n',
  '/opt/x': 'spawn podman run q.io/a:1\n',
  '/opt/x.py': 'import docker\ndocker.from_env().containers.run("q.io/a:1")\n',
};

/** Lines of a unit that start a container in an indirect way, and what is found. */
const units: readonly (readonly [lines: string, ...found: string[]])[] = [
  ["ExecStart=/bin/bash -c 'bash <(cat /opt/F)'", 'q.io/a:1'],
  ["ExecStart=/bin/bash -c 'source <(cat /opt/F)'", 'q.io/a:1'],
  ["ExecStart=/bin/bash -c 'cat /opt/F | sh'", 'q.io/a:1'],
  ["ExecStart=/bin/bash -c 'bash < <(cat /opt/F)'", 'q.io/a:1'],
  ['ExecStart=/bin/bash -c \'sh -c "$$(cat /opt/F)"\'', 'q.io/a:1'],
  ['ExecStart=/bin/bash -c \'eval "$$(cat /opt/F)"\'', 'q.io/a:1'],
  ["ExecStart=/bin/bash -c 'sh -s < /opt/F'", 'q.io/a:1'],
  ["ExecStart=/bin/bash -c '. /opt/F'", 'q.io/a:1'],
  ["ExecStart=/bin/bash -c 'bash <(curl x) podman'", 'shell:1'],
  ['ExecStart=/usr/bin/run-parts /etc/app.d', 'q.io/a:1'],
  ['ExecSearchPath=/opt/bin\nExecStart=start-it', 'q.io/a:1'],
  ['Environment=PATH=/opt/bin:/usr/bin\nExecStart=start-it'],
  ['Environment=PATH=/opt/bin:/usr/bin\nExecStart=/bin/sh -c start-it', 'q.io/a:1'],
  ['Environment=PATH=/opt/bin:/usr/bin\nExecStart=/usr/bin/env start-it', 'q.io/a:1'],
  ['ExecSearchPath=/opt/bin\nExecStart=/bin/sh -c start-it', 'q.io/a:1'],
  ['ExecStart=/usr/bin/make -C /opt/app up', 'shell:1'],
  ['ExecStart=/usr/bin/ansible-playbook /opt/x.yml', 'shell:1'],
  ['ExecStart=/usr/bin/awk -f /opt/x.awk', 'shell:1'],
  ['ExecStart=/usr/bin/expect /opt/x', 'shell:1'],
  ['ExecStart=/opt/x.awk', 'shell:1'],
  ['ExecStart=/usr/bin/python3 /opt/x.py', 'shell:1'],
  ['ExecStart=@/usr/bin/podman podman run q.io/a:1', 'q.io/a:1'],
  ['ExecStart=!!/usr/bin/podman run q.io/a:1', 'q.io/a:1'],
  ['ExecStart=|/usr/bin/podman run q.io/a:1', 'q.io/a:1'],
];

/** Scripts of a unit that do. */
const scripts: readonly (readonly [script: string, ...found: string[]])[] = [
  ['bash <(echo podman run q.io/a:1)', 'q.io/a:1'],
  ['bash <(curl -s http://x)\npodman ps', 'shell:1'],
  ['$SUDO podman run q.io/a:1', 'variable:1'],
  ['"$RUN" -d podman run q.io/a:1', 'variable:1'],
  [
    'podman run -d q.io/b\nwhile read -r x; do :; done < <(podman run --rm q.io/a:1 list)',
    'q.io/b:latest',
    'q.io/a:1',
  ],
  ['X=$(( $(podman run --rm q.io/a:1) + 1 ))', 'shell:1'],
  ['. /run/env; ID=${ID:-$(podman run -d q.io/a:1)}', 'q.io/a:1'],
  ['echo "podman run q.io/a:1" | at now', 'command-line:1'],
  ['echo podman run q.io/a:1 | ssh localhost', 'command-line:1'],
  ['at now <<EOF\npodman run q.io/a:1\nEOF', 'command-line:1'],
  ['cat >/tmp/x.sh <<EOF\npodman run q.io/a:1\nEOF\nsh /tmp/x.sh', 'shell:1'],
  ['cat >/run/x.sh <<EOF\npodman run q.io/a:1\nEOF\nchmod +x /run/x.sh\n/run/x.sh', 'shell:1'],
  ['echo q.io/a:1 | xargs podman pull', 'command-line:1'],
  ['xargs -n1 podman pull < /usr/share/images.txt', 'command-line:1'],
  ['find /opt -name "*.tar" -exec podman load -i {} \\;', 'command-line:1'],
  ['parallel podman pull ::: q.io/a:1', 'command-line:1'],
  ['env - podman run q.io/a:1', 'q.io/a:1'],
  ['sudo -nk podman run q.io/a:1', 'q.io/a:1'],
  ['env -S "podman run q.io/a:1"', 'command-line:1'],
  ['python3 -c "import os; os.system(\'podman run q.io/a:1\')"', 'command-line:1'],
  ["python3 - <<EOF\nimport os\nos.system('podman run q.io/a:1')\nEOF", 'command-line:1'],
  ['perl -e \'system("podman run q.io/a:1")\'', 'command-line:1'],
  ['flock /run/lock -c "podman run q.io/a:1"', 'q.io/a:1'],
  ['flock -n /run/lock podman run q.io/a:1', 'q.io/a:1'],
  ['nsenter -t 1 -m -- podman run q.io/a:1', 'command-line:1'],
  ['chroot /sysroot podman run q.io/a:1', 'command-line:1'],
  ['machinectl shell root@ /usr/bin/podman run q.io/a:1', 'command-line:1'],
  ['run0 podman run q.io/a:1', 'command-line:1'],
  ['pkexec podman run q.io/a:1', 'command-line:1'],
  ['unshare -m podman run q.io/a:1', 'command-line:1'],
  ['capsh --print -- -c "podman run q.io/a:1"', 'command-line:1'],
  ['watch podman run q.io/a:1', 'command-line:1'],
  ['script -c "podman run q.io/a:1" /dev/null', 'command-line:1'],
  ['tmux new -d "podman run q.io/a:1"', 'command-line:1'],
  ['screen -dmS x podman run q.io/a:1', 'command-line:1'],
  ['start-stop-daemon --start --exec /usr/bin/podman -- run q.io/a:1', 'q.io/a:1'],
  ['daemon podman run q.io/a:1', 'command-line:1'],
  ['logger -s "podman run" ; exec podman run q.io/a:1', 'q.io/a:1'],
  ['cgexec -g cpu:x podman run q.io/a:1', 'command-line:1'],
  ['ip netns exec x podman run q.io/a:1', 'command-line:1'],
  ['strace -f podman run q.io/a:1', 'command-line:1'],
  ['dbus-run-session podman run q.io/a:1', 'command-line:1'],
  ['with-lock podman run q.io/a:1', 'command-line:1'],
  ['run-parts /etc/app.d', 'q.io/a:1'],
  ['for f in /etc/app.d/*; do sh "$f"; done; podman ps', 'q.io/a:1', 'q.io/a:1'],
  ['for f in /etc/app.d/*; do "$f"; done', 'q.io/a:1', 'q.io/a:1'],
  ['for f in /etc/app.d/*.sh; do . "$f"; done', 'q.io/a:1'],
  ['export PATH=/opt/bin:$PATH; start-it', 'q.io/a:1'],
  ['PATH=/opt/bin:$PATH start-it', 'q.io/a:1'],
  ['cd /opt/bin; ./start-it', 'q.io/a:1'],
  ['podman_cmd=podman; $podman_cmd run q.io/a:1', 'q.io/a:1'],
  ['alias p=podman; p run q.io/a:1', 'shell:1'],
  ['function podman { command podman "$@"; }; podman run q.io/a:1', 'q.io/a:1'],
  ['printf "podman run q.io/a:1" > /run/y; bash /run/y', 'shell:1'],
  ['command -p podman run q.io/a:1', 'q.io/a:1'],
  ['exec -a x podman run q.io/a:1', 'q.io/a:1'],
  ['coproc podman run q.io/a:1', 'q.io/a:1'],
  ['( podman run q.io/a:1 ) &', 'q.io/a:1'],
  ['nohup podman run q.io/a:1 &', 'q.io/a:1'],
  ['{ bash; } <<EOF\npodman run q.io/a:1\nEOF', 'shell:1'],
  ['bash -s <<EOF\npodman run q.io/a:1\nEOF', 'q.io/a:1'],
  ['su - app -c "podman run q.io/a:1"', 'q.io/a:1'],
  ['su -s /bin/sh app <<EOF\npodman run q.io/a:1\nEOF', 'q.io/a:1'],
  ['sudo -i podman run q.io/a:1', 'q.io/a:1'],
  ['sudo bash -c "podman run q.io/a:1"', 'q.io/a:1'],
  ['sudo -s podman run q.io/a:1', 'q.io/a:1'],
  ['busybox sh -c "podman run q.io/a:1"', 'q.io/a:1'],
  ['busybox timeout 5 podman run q.io/a:1', 'q.io/a:1'],
  ['busybox nice -n 5 podman run q.io/a:1', 'q.io/a:1'],
  ['timeout -s KILL 5 podman run q.io/a:1', 'q.io/a:1'],
  ['systemd-run --user -M app@ podman run q.io/a:1', 'command-line:1'],
  ['systemd-run -p EnvironmentFile=/etc/x podman run q.io/a:1', 'command-line:1'],
  ['podman run $(cat /etc/image)', 'q.io/a:1'],
  ['export $(cat /etc/env | xargs); podman run $IMAGE', 'variable:1'],
  ['export $(grep -v "^#" /etc/env); podman run ${IMAGE:-q.io/b}', 'variable:1'],
  ['while read -r i; do podman pull "$i"; done </etc/images', '- variable'],
  ['while IFS= read -r i; do podman pull "$i"; done <<EOF\nq.io/a:1\nEOF', '- variable'],
  ['mapfile -t I < /etc/images; podman pull "${I[@]}"', 'variable:1'],
  ['declare -A I=([web]=q.io/a:1); podman run "${I[web]}"', '- variable'],
  ['podman --remote run q.io/a:1', 'q.io/a:1 storage-differs'],
  ['/usr/bin/podman-compose -f /etc/c.yml up', 'q.io/a:1'],
  ['make -C /opt/app up', 'shell:1'],
];

for (const [lines, ...expected] of units) {
  test(`a service starts containers indirectly: ${JSON.stringify(lines)}`, async (t) => {
    assert.deepEqual(await of(t, lines, files), expected);
  });
}

for (const [script, ...expected] of scripts) {
  test(`a script starts containers indirectly: ${JSON.stringify(script)}`, async (t) => {
    const tree = { ...files, '/bin/s': `#!/bin/bash\n${script}\n` };
    assert.deepEqual(await of(t, 'ExecStart=/bin/s', tree), expected);
  });
}
