import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { discover, type EngineChoice } from '../../../src/discovery/discover.ts';
import type { Discovered } from '../../../src/discovery/reference.ts';
import { container, problems, rootOf, shortNames, type Tree, units } from '../../support/tree.ts';

const passwd = [
  'root:x:0:0::/root:/bin/sh',
  'toor:x:0:0::/root:/bin/sh',
  'app:x:1001:1001::/home/app:/bin/sh',
  'WORK\\eve:x:1002:1002::/home/eve:/bin/sh',
].join('\n');

const manifest = 'apiVersion: v1\nkind: Pod\nspec: {containers: [{name: c, image: q.io/p:1}]}\n';

function found(t: TestContext, tree: Tree, engines: EngineChoice = {}): Promise<Discovered> {
  const files = { '/etc/passwd': passwd, '/etc/os-release': 'ID=x\n', ...tree };
  return discover(rootOf(t, files), {
    shortNames,
    architecture: 'x86-64',
    compose: ['/srv/compose'],
    engines,
  });
}

/** The engines of all references, in the order of their places; `-` where none is known. */
async function engines(t: TestContext, tree: Tree, choice?: EngineChoice): Promise<string> {
  const { references } = await found(t, tree, choice);
  return references.map(({ engine = '-' }) => engine).join(' ');
}

/** A file of a root that names one image or several, and the engines that its references must have. */
const cases: readonly (readonly [string, Tree, string])[] = [
  ['Quadlet', { [`${units}/a.container`]: container('q.io/a') }, 'podman'],
  ['Quadlet, User=', quadlet('User=app'), 'podman:app'],
  ['Quadlet, User= with a UID', quadlet('User=1001'), 'podman:app'],
  ['Quadlet, User= with a UID of nobody', quadlet('User=1234'), 'podman:1234'],
  ['Quadlet, User= with a user of tomorrow', quadlet('User=later'), 'podman:later'],
  ['a user whose name is no part of an id', quadlet('User=1002'), 'podman:1002'],
  ['root by name', quadlet('User=root'), 'podman'],
  ['root by UID', quadlet('User=0'), 'podman'],
  ['root in a tree without a passwd', { ...quadlet('User=root'), '/etc/passwd': '' }, 'podman'],
  ['root by another name', quadlet('User=toor'), 'podman'],
  ['the last User= counts', quadlet('User=app\nUser=later'), 'podman:later'],
  ['an empty User= resets', quadlet('User=app\nUser='), 'podman'],
  ['User= with a specifier', quadlet('User=%p'), 'podman:a'],
  ['User=%U is the user of the manager', quadlet('User=%U'), 'podman'],
  ['User= that only the host knows', quadlet('User=%H'), '-'],
  ['User= with quotes', quadlet('User="app"'), '-'],
  ['DynamicUser=', quadlet('DynamicUser=yes'), '-'],
  ['DynamicUser= with a new name', quadlet('User=later\nDynamicUser=on'), '-'],
  ['DynamicUser= with a user of the OS', quadlet('User=app\nDynamicUser=1'), 'podman:app'],
  ['DynamicUser=no', quadlet('DynamicUser=no'), 'podman'],
  [
    'User= in a drop-in of the Quadlet file',
    {
      [`${units}/a.container`]: container('q.io/a'),
      [`${units}/a.container.d/u.conf`]: '[Service]\nUser=app\n',
    },
    'podman:app',
  ],
  [
    'User= in a drop-in of the service',
    {
      [`${units}/a.container`]: container('q.io/a'),
      '/etc/systemd/system/a.service.d/u.conf': '[Service]\nUser=app\n',
    },
    'podman:app',
  ],
  [
    'a .image of another user than the container',
    {
      [`${units}/a.container`]: `${container('x.image')}[Service]\nUser=app\n`,
      [`${units}/x.image`]: '[Image]\nImage=q.io/x:1\n[Service]\nUser=later\n',
    },
    'podman:app podman:later',
  ],
  [
    'a .volume and a .kube',
    {
      [`${units}/k.kube`]: '[Kube]\nYaml=k.yaml\n[Service]\nUser=app\n',
      [`${units}/k.yaml`]: manifest,
      [`${units}/v.volume`]: '[Volume]\nDriver=image\nImage=q.io/v:1\n[Service]\nUser=later\n',
    },
    'podman:app podman:later',
  ],
  [
    'the base images of a .build',
    {
      [`${units}/b.build`]:
        '[Build]\nImageTag=localhost/b\nSetWorkingDirectory=unit\n[Service]\nUser=app\n',
      [`${units}/Containerfile`]: 'FROM q.io/base:1\n',
    },
    'podman:app',
  ],
  ['a plain service', service('ExecStart=podman run q.io/a:1'), 'podman'],
  ['a plain service, User=', service('User=app\nExecStart=podman run q.io/a:1'), 'podman:app'],
  ['prefix +', service('User=app\nExecStart=+podman run q.io/a:1'), 'podman'],
  ['prefix !', service('User=app\nExecStart=!podman run q.io/a:1'), 'podman'],
  ['prefix !!', service('User=app\nExecStart=!!podman run q.io/a:1'), 'podman:app'],
  [
    'PermissionsStartOnly=',
    service(
      'User=app\nPermissionsStartOnly=yes\nExecStartPre=podman pull q.io/a:1\nExecStart=podman run q.io/a:1',
    ),
    'podman podman:app',
  ],
  [
    'User= of an instance',
    {
      '/usr/lib/systemd/system/a@.service': '[Service]\nUser=%i\nExecStart=podman run q.io/a:1\n',
      '/usr/lib/systemd/system/multi-user.target.wants/a@app.service': '-> ../a@.service',
      '/usr/lib/systemd/system/multi-user.target': '[Unit]\n',
      '/usr/lib/systemd/system/default.target': '-> multi-user.target',
    },
    'podman:app',
  ],
  [
    'a template whose instances have the user',
    { '/usr/lib/systemd/system/a@.service': '[Service]\nUser=%i\nExecStart=podman run q.io/a:1\n' },
    '',
  ],
  ['docker', service('User=app\nExecStart=/usr/bin/docker run q.io/a:1'), 'docker'],
  ['docker that the root has', docker('\x7fELF'), 'docker'],
  ['docker that mentions podman', docker('\x7fELF\nexec podman "$@"\n'), 'docker'],
  ['docker that is a script of its own', docker('#!/bin/sh\nexec dockerd "$@"\n'), 'docker'],
  ['docker as podman, of Debian', docker(emulation('exec /usr/bin/podman "$@"')), 'podman:app'],
  ['docker as podman, by hand', docker(emulation('exec podman "$@"')), 'podman:app'],
  ['docker as a link to podman', { ...docker('-> podman'), '/usr/bin/podman': '' }, 'podman:app'],
  [
    'docker as podman in a tree with a link for /bin',
    { ...docker(emulation('exec /usr/bin/podman "$@"'), '/bin/docker'), '/bin': '-> usr/bin' },
    'podman:app',
  ],
  [
    'docker, its own socket',
    service('ExecStart=docker -H unix:///var/run/docker.sock run q.io/a:1'),
    'docker',
  ],
  [
    "docker, podman's socket",
    service('ExecStart=docker --host=unix:///run/podman/podman.sock run q.io/a:1'),
    'podman',
  ],
  ['docker on another host', service('ExecStart=docker -H ssh://b run q.io/a:1'), '-'],
  ['docker in its default context', service('ExecStart=docker -c default run q.io/a:1'), 'docker'],
  ['docker in another context', service('ExecStart=docker --context b run q.io/a:1'), '-'],
  ['DOCKER_HOST', service('Environment=DOCKER_HOST=tcp://b\nExecStart=docker run q.io/a:1'), '-'],
  [
    'DOCKER_HOST that the option replaces',
    service(
      'Environment=DOCKER_HOST=tcp://b\nExecStart=docker -H unix:///run/docker.sock run q.io/a:1',
    ),
    'docker',
  ],
  ['DOCKER_CONTEXT', service('Environment=DOCKER_CONTEXT=b\nExecStart=docker run q.io/a:1'), '-'],
  [
    'DOCKER_HOST that only the host knows',
    service('Environment=DOCKER_HOST=tcp://%H\nExecStart=docker run q.io/a:1'),
    '-',
  ],
  [
    'docker beside another unknown variable',
    service('Environment=N=%H\nExecStart=docker run q.io/a:1'),
    'docker',
  ],
  ['nerdctl', service('ExecStart=nerdctl run q.io/a:1'), 'containerd:default'],
  ['nerdctl -n', service('ExecStart=nerdctl -n k8s.io run q.io/a:1'), 'containerd'],
  ['nerdctl --namespace=', service('ExecStart=nerdctl --namespace=x run q.io/a:1'), 'containerd:x'],
  [
    'CONTAINERD_NAMESPACE',
    service('Environment=CONTAINERD_NAMESPACE=y\nExecStart=nerdctl run q.io/a:1'),
    'containerd:y',
  ],
  ['nerdctl with a bad namespace', service('ExecStart=nerdctl -n a/b run q.io/a:1'), '-'],
  [
    'nerdctl with another socket',
    service('ExecStart=nerdctl -a /run/k3s/containerd/containerd.sock run q.io/a:1'),
    '-',
  ],
  [
    "nerdctl's configuration",
    { ...service('ExecStart=nerdctl run q.io/a:1'), ...nerdctl('namespace = "z"') },
    'containerd:z',
  ],
  [
    "nerdctl's configuration, replaced",
    { ...service('ExecStart=nerdctl -n x run q.io/a:1'), ...nerdctl('namespace = "z"') },
    'containerd:x',
  ],
  [
    "nerdctl's configuration with another socket",
    { ...service('ExecStart=nerdctl run q.io/a:1'), ...nerdctl('address = "/run/x.sock"') },
    '-',
  ],
  [
    "nerdctl's configuration, no TOML",
    { ...service('ExecStart=nerdctl run q.io/a:1'), ...nerdctl('[') },
    '-',
  ],
  ['nerdctl of a user', service('User=app\nExecStart=nerdctl run q.io/a:1'), '-'],
  ['ctr', service('ExecStart=/usr/bin/ctr run --rm -d q.io/a:1 a sh'), 'containerd:default'],
  ['ctr -n', service('ExecStart=ctr -n k8s.io run q.io/a:1 a'), 'containerd'],
  ['ctr of a user', service('User=app\nExecStart=ctr run q.io/a:1 a'), 'containerd:default'],
  [
    'ctr images pull',
    service('ExecStart=-ctr --namespace x i pull -u a:b q.io/a:1'),
    'containerd:x',
  ],
  ['ctr with another socket', service('ExecStart=ctr -a /run/x.sock c create q.io/a:1 a'), '-'],
  ['ctr with a specification', service('ExecStart=ctr run -c /etc/spec.json a'), ''],
  ['ctr without an image', service('ExecStart=ctr tasks ls'), ''],
  ['static pods', { '/etc/kubernetes/manifests/p.yaml': manifest }, 'containerd'],
  ['static pods, endpoint of CRI-O', pod('unix:///var/run/crio/crio.sock'), 'crio'],
  ['static pods, endpoint without a scheme', pod('/run/crio/crio.sock'), 'crio'],
  [
    'static pods, endpoint of containerd',
    pod('unix:///run/containerd/containerd.sock'),
    'containerd',
  ],
  ['static pods, endpoint of cri-dockerd', pod('unix:///var/run/cri-dockerd.sock'), 'docker'],
  ['static pods, another endpoint', pod('unix:///run/k3s/containerd/containerd.sock'), '-'],
  [
    "the kubelet's own flag",
    {
      ...pod('unix:///run/containerd/containerd.sock'),
      '/usr/lib/systemd/system/kubelet.service':
        '[Service]\nEnvironmentFile=/etc/kubelet.env\nExecStart=/usr/bin/kubelet $ARGS\n',
      '/etc/kubelet.env': 'ARGS=--v=2 --container-runtime-endpoint=/var/run/crio/crio.sock\n',
    },
    'crio',
  ],
  [
    "the kubelet's own flag in two words",
    {
      '/etc/kubernetes/manifests/p.yaml': manifest,
      '/usr/lib/systemd/system/kubelet.service':
        '[Service]\nExecStart=kubelet --container-runtime-endpoint unix:///run/crio/crio.sock\n',
    },
    'crio',
  ],
  [
    'static pods on a root with CRI-O only',
    { '/etc/kubernetes/manifests/p.yaml': manifest, '/usr/bin/crio': '' },
    'crio',
  ],
  [
    'static pods on a root with CRI-O and containerd',
    {
      '/etc/kubernetes/manifests/p.yaml': manifest,
      '/usr/bin/crio': '',
      '/usr/local/bin/containerd': '',
    },
    'containerd',
  ],
  [
    'pause images',
    {
      '/etc/containerd/config.toml': '[plugins.cri]\nsandbox_image = "q.io/pause:1"\n',
      '/etc/crio/crio.conf': '[crio.image]\npause_image = "q.io/pause:2"\n',
    },
    'containerd crio',
  ],
  ['a PinnedImageSet', pinned({}), 'containerd'],
  ['a PinnedImageSet with CRI-O', pinned({ '/etc/crio/crio.conf': '' }), 'crio'],
  ['a list', list('q.io/a:1\n'), 'podman'],
  ['a list of docker', list('# base\n\n# engine: docker\nq.io/a:1\nq.io/b:1\n'), 'docker docker'],
  ['a list of a namespace', list('#engine: containerd:x\r\nq.io/a:1\n'), 'containerd:x'],
  ['a list of Kubernetes', list('# engine: containerd:k8s.io\nq.io/a:1\n'), 'containerd'],
  ['a list of a UID', list('# engine: podman:1001\nq.io/a:1\n'), 'podman:app'],
  ['a list of root', list('# engine: podman:root\nq.io/a:1\n'), 'podman'],
  ['a list of an unknown engine', list('# engine: rkt\nq.io/a:1\n'), '-'],
  ['a list with two engines', list('# engine: docker\n# engine: crio\nq.io/a:1\n'), '-'],
  ['a list with its engine too late', list('q.io/a:1\n# engine: docker\n'), '-'],
  ['Compose', compose({}), 'docker'],
  [
    'Compose with docker and podman',
    compose({ '/usr/bin/docker': '', '/usr/bin/podman': '' }),
    'docker',
  ],
  ['Compose with podman', compose({ '/usr/bin/podman': '' }), 'podman'],
  ['Compose with podman-compose', compose({ '/usr/bin/podman-compose': '' }), 'podman'],
  [
    'Compose with docker as podman',
    compose({ '/usr/bin/docker': emulation('exec podman "$@"') }),
    'podman',
  ],
  [
    "bootc's links",
    {
      '/usr/lib/bootc/bound-images.d/a.container': '-> /opt/a.container',
      '/opt/a.container': container('q.io/a'),
    },
    'podman',
  ],
];

for (const [name, tree, expected] of cases) {
  test(`the engine of ${name}`, async (t) => {
    const result = await found(t, tree);
    const { references } = result;
    assert.equal(references.map(({ engine = '-' }) => engine).join(' '), expected);
    const unknown = references.filter(({ engine }) => engine === undefined);
    const told = problems(result).filter((problem) => problem.startsWith('engine-unknown'));
    assert.equal(told.length, unknown.length);
  });
}

test('an engine that takes everything leaves no engine unknown', async (t) => {
  const result = await found(
    t,
    { ...quadlet('User=%H'), ...service('ExecStart=docker run q.io/b:1'), ...list('q.io/c:1\n') },
    { all: 'store' },
  );
  assert.deepEqual(
    result.references.map(({ engine }) => engine),
    ['store', 'store', 'store'],
  );
  assert.deepEqual([result.accounts, problems(result)], [[], []]);
});

test('a variable from a file that not everybody may read is in no engine', async (t) => {
  const root = rootOf(t, {
    '/etc/secret': 'CONTAINERD_NAMESPACE=hidden\n',
    ...service('EnvironmentFile=/etc/secret\nExecStart=nerdctl run q.io/a:1'),
  });
  chmodSync(join(root.location, 'etc/secret'), 0o600);
  const { references } = await discover(root, { shortNames, architecture: 'x86-64' });
  assert.equal(references[0]?.engine, undefined);
  assert.ok(!JSON.stringify(references).includes('hidden'));
});

test('the engine of lists without a header can be chosen', async (t) => {
  const named = list('# engine: crio\nq.io/a:1\n');
  assert.equal(await engines(t, list('q.io/a:1\n'), { lists: 'docker' }), 'docker');
  assert.equal(await engines(t, named, { lists: 'docker' }), 'crio');
});

test('the accounts of the users whose podman is in use', async (t) => {
  const { accounts } = await found(t, {
    ...quadlet('User=1001'),
    [`${units}/b.container`]: `${container('q.io/b')}[Service]\nUser=later\n`,
    [`${units}/c.container`]: `${container('q.io/c')}[Service]\nUser=1002\n`,
  });
  assert.deepEqual(accounts, [
    { name: '1002', uid: 1002, home: '/home/eve' },
    { name: 'app', uid: 1001, home: '/home/app' },
    { name: 'later' },
  ]);
});

test("a user's podman does not look into the stores of the system's storage.conf", async (t) => {
  const { references } = await found(t, {
    '/etc/containers/storage.conf': '[storage.options]\nadditionalimagestores = ["/usr/lib/s"]\n',
    '/usr/lib/s/overlay-images/images.json': '[]',
    ...quadlet('User=app'),
    [`${units}/b.container`]: container('q.io/b'),
    ...service('User=app\nExecStart=podman run q.io/a:1'),
  });
  assert.deepEqual(
    references.map(({ engine, pull }) => [engine, pull.additionalStores ?? []]),
    [
      ['podman:app', []],
      ['podman:app', []],
      ['podman', ['/usr/lib/s']],
    ],
  );
});

function quadlet(lines: string): Tree {
  return { [`${units}/a.container`]: `${container('q.io/a')}[Service]\n${lines}\n` };
}

function service(lines: string): Tree {
  return { '/usr/lib/systemd/system/s.service': `[Service]\n${lines}\n` };
}

function docker(content: string, command = 'docker'): Tree {
  return { ...service(`User=app\nExecStart=${command} run q.io/a:1`), '/usr/bin/docker': content };
}

/** The script of the package podman-docker, with its last line. */
function emulation(last: string): string {
  return `#!/bin/sh\n[ -e /etc/containers/nodocker ] || \\\necho "Emulate Docker CLI using podman." >&2\n${last}\n`;
}

function nerdctl(text: string): Tree {
  return { '/etc/nerdctl/nerdctl.toml': text };
}

function pod(endpoint: string): Tree {
  return {
    '/etc/kubernetes/manifests/p.yaml': manifest,
    '/var/lib/kubelet/config.yaml': `kind: KubeletConfiguration\ncontainerRuntimeEndpoint: ${endpoint}\n`,
  };
}

function pinned(tree: Tree): Tree {
  const image = `q.io/a@sha256:${'0'.repeat(64)}`;
  const set = `apiVersion: machineconfiguration.openshift.io/v1\nkind: PinnedImageSet\nspec: {pinnedImages: [{name: "${image}"}]}\n`;
  return { '/usr/lib/berth/images.d/a.yaml': set, ...tree };
}

function list(text: string): Tree {
  return { '/usr/lib/berth/images.d/a.list': text };
}

function compose(tree: Tree): Tree {
  return { '/srv/compose/compose.yaml': 'services: {a: {image: q.io/a:1}}\n', ...tree };
}
