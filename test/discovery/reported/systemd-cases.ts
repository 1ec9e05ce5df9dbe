import type { ReportedCase } from './case.ts';

export const systemdCases: readonly ReportedCase[] = [
  {
    name: 'DefaultEnvironment= of the manager',
    source: 'systemd-system.conf(5)',
    tree: {
      '/etc/systemd/system.conf.d/10.conf': '[Manager]\nDefaultEnvironment=TAG=3\n',
      '/usr/share/containers/systemd/app.container':
        '[Container]\nImage=quay.io/acme/app:${TAG}\n[Install]\nWantedBy=multi-user.target\n',
    },
    images: ['app.service quay.io/acme/app:3 boot podman'],
    problems: [],
  },
  {
    name: 'a variable in a drop-in of the service',
    source: 'containers/podman#27716',
    tree: {
      '/etc/systemd/system/app.service.d/10.conf': '[Service]\nEnvironment=TAG=2\n',
      '/usr/share/containers/systemd/app.container':
        '[Container]\nImage=quay.io/acme/app:${TAG}\n[Service]\nEnvironment=TAG=1\n[Install]\nWantedBy=multi-user.target\n',
    },
    images: ['app.service quay.io/acme/app:2 boot podman'],
    problems: [],
  },
  {
    name: 'a drop-in that replaces the command',
    source: 'containers/podman#27716',
    tree: {
      '/etc/systemd/system/app.service.d/10.conf':
        '[Service]\nExecStart=\nExecStart=/usr/bin/podman run --name app quay.io/acme/other:9\n',
      '/usr/share/containers/systemd/app.container':
        '[Container]\nImage=quay.io/acme/app:1\n[Install]\nWantedBy=multi-user.target\n',
    },
    images: ['app.service quay.io/acme/other:9 boot podman'],
    problems: ['overridden /etc/systemd/system/app.service.d/10.conf:2'],
  },
  {
    name: 'units that start after others',
    source: 'systemd/systemd#26903',
    tree: {
      '/etc/containers/systemd/alert.container': '[Container]\nImage=quay.io/acme/alert:1\n',
      '/etc/containers/systemd/app.container': '[Container]\nImage=quay.io/acme/app:1\n',
      '/etc/containers/systemd/migrate.container':
        '[Container]\nImage=quay.io/acme/migrate:1\n[Unit]\nOnSuccess=app.service\nOnFailure=alert.service\n[Service]\nType=oneshot\n[Install]\nWantedBy=multi-user.target\n',
    },
    images: [
      'alert.service quay.io/acme/alert:1 on-failure podman',
      'app.service quay.io/acme/app:1 on-success podman',
      'migrate.service quay.io/acme/migrate:1 boot podman',
    ],
    problems: [],
  },
  {
    name: 'masks in .wants',
    source: 'systemd/systemd#1169, #5231, #4830',
    tree: {
      '/etc/systemd/system/multi-user.target.wants/app.service': '-> /dev/null',
      '/etc/systemd/system/multi-user.target.wants/app2.service': '',
      '/usr/share/containers/systemd/app.container':
        '[Container]\nImage=quay.io/acme/app:1\n[Install]\nWantedBy=multi-user.target\n',
      '/usr/share/containers/systemd/app2.container':
        '[Container]\nImage=quay.io/acme/app2:1\n[Install]\nWantedBy=multi-user.target\n',
    },
    images: [
      'app.service quay.io/acme/app:1 none podman',
      'app2.service quay.io/acme/app2:1 none podman',
    ],
    problems: [],
  },
  {
    name: 'a service that only a preset enables',
    source: 'CentOS/centos-bootc#167; systemd/systemd#15205; gardenlinux#2474',
    tree: {
      '/etc/machine-id': '',
      '/usr/lib/systemd/system/p.service':
        '[Service]\nExecStart=/usr/bin/podman run quay.io/acme/p:1\n[Install]\nWantedBy=multi-user.target\n',
      '/usr/lib/systemd/system-preset/50.preset': 'enable p.service\n',
    },
    images: ['p.service quay.io/acme/p:1 none podman'],
    problems: [],
  },
  {
    name: 'a user who lingers by tmpfiles.d',
    source: 'systemd/systemd#35716; coreos/fedora-coreos-docs#205',
    tree: {
      '/etc/containers/systemd/users/1000/b.container':
        '[Container]\nImage=quay.io/acme/b:1\n[Install]\nWantedBy=default.target\n',
      '/etc/passwd': 'root:x:0:0::/root:/bin/sh\ncore:x:1000:1000::/var/home/core:/bin/sh\n',
      '/usr/lib/systemd/system/user@.service':
        '[Unit]\nDescription=user manager\n[Service]\nExecStart=/usr/lib/systemd/systemd --user\n',
      '/usr/lib/systemd/user/basic.target': '[Unit]\nDescription=d\n',
      '/usr/lib/systemd/user/default.target': '[Unit]\nDescription=d\n',
      '/usr/lib/tmpfiles.d/linger.conf': 'f /var/lib/systemd/linger/core 0644 root root - -\n',
    },
    images: ['b.service quay.io/acme/b:1 boot podman:core'],
    problems: [],
  },
  {
    name: 'units in extensions',
    source: 'bootc-dev/bootc#2436; systemd/systemd#38838; flatcar/Flatcar#112',
    tree: {
      '/var/lib/confexts/conf/etc/containers/systemd/cext.container':
        '[Container]\nImage=quay.io/acme/cext:1\n[Install]\nWantedBy=multi-user.target\n',
      '/var/lib/extensions/app/usr/lib/extension-release.d/extension-release.app': 'ID=_any\n',
      '/var/lib/extensions/app/usr/share/containers/systemd/ext.container':
        '[Container]\nImage=quay.io/acme/ext:1\n[Install]\nWantedBy=multi-user.target\n',
    },
    images: ['ext.service quay.io/acme/ext:1 boot podman'],
    problems: ['extension /var/lib/confexts/conf'],
  },
];
