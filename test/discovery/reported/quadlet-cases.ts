import type { ReportedCase } from './case.ts';

export const quadletCases: readonly ReportedCase[] = [
  {
    name: 'credentials in a unit’s environment',
    source: 'stackrox/stackrox#22345',
    tree: {
      '/etc/acme/auth.json': '{"auths":{}}\n',
      '/usr/share/containers/systemd/app.container':
        '[Container]\nImage=quay.io/acme/app:1\n[Service]\nEnvironment=REGISTRY_AUTH_FILE=/etc/acme/auth.json\n',
    },
    images: ['app.service quay.io/acme/app:1 none podman /etc/acme/auth.json'],
    problems: [],
  },
  {
    name: 'another registries.conf in a unit’s environment',
    source: 'stackrox/stackrox#22345',
    tree: {
      '/etc/acme/registries.conf': 'unqualified-search-registries = ["registry.acme.example"]\n',
      '/etc/containers/registries.conf': 'unqualified-search-registries = ["docker.io"]\n',
      '/etc/containers/systemd/a.container':
        '[Container]\nImage=nginx:1\n[Service]\nEnvironment=CONTAINERS_REGISTRIES_CONF=/etc/acme/registries.conf\n',
    },
    images: ['a.service registry.acme.example/nginx:1 none podman'],
    problems: [],
  },
  {
    name: 'commands before and after a container',
    source: 'containers/podman#24680',
    tree: {
      '/etc/containers/systemd/app.container':
        '[Container]\nImage=quay.io/acme/app:1\n[Service]\nExecStartPre=/usr/bin/podman run --rm quay.io/acme/migrate:1\nExecStartPre=-/usr/bin/podman pull quay.io/acme/app:1\nExecStartPost=/usr/bin/podman run --rm quay.io/acme/warm:1\n[Install]\nWantedBy=multi-user.target\n',
    },
    images: [
      'app.service quay.io/acme/app:1 boot podman',
      'app.service quay.io/acme/migrate:1 boot podman',
      'app.service quay.io/acme/app:1 boot podman',
      'app.service quay.io/acme/warm:1 boot podman',
    ],
    problems: [],
  },
  {
    name: 'instances that a link and a unit start',
    source: 'containers/podman#18705, #17662, #21068',
    tree: {
      '/etc/containers/systemd/main.container':
        '[Container]\nImage=quay.io/acme/main:1\n[Unit]\nWants=side@a.service side@b.service\n[Install]\nWantedBy=multi-user.target\n',
      '/etc/containers/systemd/side@.container': '[Container]\nImage=quay.io/acme/side-%i:1\n',
      '/etc/containers/systemd/worker@.container': '[Container]\nImage=quay.io/acme/w:%i\n',
      '/etc/systemd/system/multi-user.target.wants/worker@eu.service':
        '-> /run/systemd/generator/worker@.service',
    },
    images: [
      'main.service quay.io/acme/main:1 boot podman',
      'side@a.service quay.io/acme/side-a:1 boot podman',
      'side@b.service quay.io/acme/side-b:1 boot podman',
      'worker@eu.service quay.io/acme/w:eu boot podman',
    ],
    problems: [],
  },
  {
    name: 'a file that Quadlet can’t parse beside others',
    source: 'flightctl deploy/podman/flightctl-kv/flightctl-kv.container',
    tree: {
      '/etc/containers/systemd/bad.container':
        '[Container]\nImage=quay.io/acme/bad:1\nthis is not a key\n',
      '/etc/containers/systemd/good.container':
        '[Container]\nImage=quay.io/acme/good:1\n[Install]\nWantedBy=multi-user.target\n',
      '/usr/share/containers/systemd/good.container':
        '[Container]\nImage=quay.io/acme/low:1\n[Install]\nWantedBy=multi-user.target\n',
    },
    images: ['good.service quay.io/acme/good:1 none podman'],
    problems: [
      'syntax /etc/containers/systemd/bad.container:3',
      'syntax /etc/containers/systemd/good.container',
    ],
  },
  {
    name: 'an instance that links to its template in a user’s directory',
    source: 'containers/podman#29821',
    tree: {
      '/etc/containers/systemd/test@.container': '[Container]\nImage=test.com/test1\n',
      '/etc/containers/systemd/test@.container.d/20-local.conf':
        '[Container]\nImage=test.com/test2\n',
      '/etc/containers/systemd/users/1000/test@instance1.container': '-> ../../test@.container',
      '/etc/passwd': 'test:x:1000:1000::/home/test:/bin/sh\n',
    },
    images: [
      'test@.service test.com/test2:latest none podman',
      'test@instance1.service test.com/test1:latest unknown podman:test',
    ],
    problems: [],
  },
  {
    name: 'a link to the generated unit',
    source: 'SEIAROTg/quadlet-nix#3',
    tree: {
      '/etc/containers/systemd/app.container':
        '[Container]\nImage=quay.io/acme/app:1\n[Install]\nWantedBy=multi-user.target\n',
      '/etc/passwd': 'a:x:1000:1000::/home/a:/bin/sh\n',
      '/etc/systemd/system/app.service': '-> /run/systemd/generator/app.service',
      '/home/a/.config/containers/systemd/u.container':
        '[Container]\nImage=quay.io/acme/u:1\n[Install]\nWantedBy=default.target\n',
      '/home/a/.config/systemd/user/u.service': '-> /run/user/1000/systemd/generator/u.service',
      '/usr/lib/systemd/user/default.target': '[Unit]\n',
      '/var/lib/systemd/linger/a': '',
    },
    images: [
      'app.service quay.io/acme/app:1 boot podman',
      'u.service quay.io/acme/u:1 boot podman:a',
    ],
    problems: [],
  },
  {
    name: 'the infra image of containers.conf',
    source: 'openshift/installer#6133; containers/podman#12245, #12771',
    tree: {
      '/etc/containers/containers.conf': '[engine]\ninfra_image = "registry.k8s.io/pause:3.9"\n',
      '/etc/containers/systemd/a.container': '[Container]\nImage=quay.io/acme/a:1\nPod=p.pod\n',
      '/etc/containers/systemd/k.kube':
        '[Kube]\nYaml=k.yaml\n[Install]\nWantedBy=multi-user.target\n',
      '/etc/containers/systemd/k.yaml':
        'apiVersion: v1\nkind: Pod\nmetadata: {name: p2}\nspec: {containers: [{name: a, image: "quay.io/acme/k:1"}]}\n',
      '/etc/containers/systemd/p.pod': '[Pod]\nPodName=p\n[Install]\nWantedBy=multi-user.target\n',
    },
    images: [
      'a.service quay.io/acme/a:1 boot podman',
      'k.service registry.k8s.io/pause:3.9 boot podman',
      'k.service quay.io/acme/k:1 boot podman',
      'p-pod.service registry.k8s.io/pause:3.9 boot podman',
    ],
    problems: [],
  },
];
