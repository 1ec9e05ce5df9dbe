import assert from 'node:assert/strict';
import { test } from 'node:test';
import { discovered, images, problems, type Tree } from '../support/tree.ts';

const quadlets = '/usr/share/containers/systemd';
const boot: Tree = {
  '/usr/lib/systemd/system/default.target': '[Unit]\nRequires=multi-user.target\n',
  '/usr/lib/systemd/system/multi-user.target': '[Unit]\n',
};
const wanted = '[Install]\nWantedBy=multi-user.target\n';

const cases: readonly (readonly [
  name: string,
  tree: Tree,
  images: string[],
  problems: string[],
])[] = [
  [
    'a variable that a drop-in of the service sets',
    {
      [`${quadlets}/app.container`]: `[Container]\nImage=q.io/app:\${TAG}\n[Service]\nEnvironment=TAG=1\n`,
      '/etc/systemd/system/app.service.d/10.conf': '[Service]\nEnvironment=TAG=2\n',
    },
    ['app.service q.io/app:2'],
    [],
  ],
  [
    'a variable in a file that a drop-in for all services names',
    {
      [`${quadlets}/app.container`]: `[Container]\nImage=q.io/app:\${TAG}\n`,
      '/etc/systemd/system/service.d/10.conf': '[Service]\nEnvironmentFile=/etc/tags\n',
      '/etc/tags': 'TAG=3\n',
    },
    ['app.service q.io/app:3'],
    [],
  ],
  [
    'a command that replaces the one of Quadlet',
    {
      [`${quadlets}/app.container`]: '[Container]\nImage=q.io/app:1\n',
      '/etc/systemd/system/app.service.d/10.conf':
        '[Service]\nExecStart=\nExecStart=/usr/bin/podman run q.io/other:9\n',
    },
    ['app.service q.io/other:9'],
    ['overridden /etc/systemd/system/app.service.d/10.conf:2'],
  ],
  [
    'an empty command in the Quadlet file, before the one of Quadlet',
    { [`${quadlets}/app.container`]: '[Container]\nImage=q.io/app:1\n[Service]\nExecStart=\n' },
    ['app.service q.io/app:1'],
    [],
  ],
  [
    'commands before and after',
    {
      [`${quadlets}/app.container`]: [
        '[Container]\nImage=q.io/app:1\n[Service]',
        'ExecStartPre=/usr/bin/podman run --rm q.io/migrate:1',
        'ExecStartPre=-/usr/bin/podman pull q.io/app:1',
        'ExecStartPost=/usr/bin/podman run --rm \\\n  q.io/warm:1\n',
      ].join('\n'),
    },
    [
      'app.service q.io/app:1',
      'app.service q.io/migrate:1',
      'app.service q.io/app:1',
      'app.service q.io/warm:1',
    ],
    [],
  ],
  [
    'instances that links, units and DefaultInstance= start',
    {
      ...boot,
      [`${quadlets}/w@.container`]: `[Container]\nImage=q.io/w:%i\n[Install]\nDefaultInstance=d\nWantedBy=multi-user.target\n`,
      [`${quadlets}/main.container`]: `[Container]\nImage=q.io/main:1\n[Unit]\nWants=w@a.service\n${wanted}`,
      '/etc/systemd/system/multi-user.target.wants/w@eu.service':
        '-> /run/systemd/generator/w@.service',
    },
    [
      'main.service q.io/main:1',
      'w@d.service q.io/w:d',
      'w@eu.service q.io/w:eu',
      'w@a.service q.io/w:a',
    ],
    [],
  ],
  [
    'an instance with a file of its own beside others',
    {
      ...boot,
      [`${quadlets}/w@.container`]: '[Container]\nImage=q.io/w:%i\n',
      [`${quadlets}/w@own.container`]: `[Container]\nImage=q.io/own:1\n${wanted}`,
      [`${quadlets}/main.container`]: `[Container]\nImage=q.io/main:1\n[Unit]\nWants=w@a.service w@own.service\n${wanted}`,
    },
    ['main.service q.io/main:1', 'w@a.service q.io/w:a', 'w@own.service q.io/own:1'],
    [],
  ],
  [
    'a template of which nothing starts an instance',
    { ...boot, [`${quadlets}/w@.container`]: '[Container]\nImage=q.io/w:%i\n' },
    ['w@.service -'],
    [`specifier ${quadlets}/w@.container:2`],
  ],
  [
    'a template that podman refuses, with an instance that something would start',
    {
      ...boot,
      [`${quadlets}/w@.container`]: '[Container]\nImgae=q.io/w:%i\n',
      '/etc/systemd/system/multi-user.target.wants/w@a.service': '-> ../w@.service',
    },
    [],
    [`unknown-key ${quadlets}/w@.container:2`],
  ],
  [
    'the files of an instance of a .kube unit',
    {
      ...boot,
      [`${quadlets}/k@.kube`]: '[Kube]\nYaml=%i.yaml\n',
      [`${quadlets}/a.yaml`]: 'kind: Pod\nspec: {containers: [{name: c, image: "q.io/k:1"}]}\n',
      '/etc/systemd/system/multi-user.target.wants/k@a.service': '-> ../k@.service',
    },
    ['k@a.service q.io/k:1'],
    [],
  ],
  [
    'a drop-in of one instance',
    {
      ...boot,
      [`${quadlets}/w@.container`]: `[Container]\nImage=q.io/w:\${TAG}\n[Service]\nEnvironment=TAG=1\n`,
      [`${quadlets}/m.container`]: `[Container]\nImage=q.io/m:1\n[Unit]\nWants=w@a.service w@b.service\n${wanted}`,
      '/etc/systemd/system/w@b.service.d/tag.conf': '[Service]\nEnvironment=TAG=2\n',
    },
    ['m.service q.io/m:1', 'w@a.service q.io/w:1', 'w@b.service q.io/w:2'],
    [],
  ],
];

const refused: readonly (readonly [name: string, tree: Tree, starts: string[], wrong: string[]])[] =
  [
    [
      'a second command in a container',
      {
        [`${quadlets}/app.container`]: `[Container]\nImage=q.io/app:1\n[Service]\nExecStart=/bin/true\n${wanted}`,
      },
      ['app.service none'],
      [`bad-setting ${quadlets}/app.container:4`],
    ],
    [
      'an image that is pulled again and again',
      {
        [`${quadlets}/app.image`]: `[Image]\nImage=q.io/app:1\n[Service]\nRestart=always\n${wanted}`,
      },
      ['app-image.service none'],
      [`bad-setting ${quadlets}/app.image:4`, `pull-always ${quadlets}/app.image:2`],
    ],
    [
      'a drop-in of a plain service, and what only this service starts',
      {
        '/etc/systemd/system/app.service':
          '[Unit]\nWants=other.service\n[Service]\nExecStart=/usr/bin/podman run q.io/app:1\n',
        '/etc/systemd/system/app.service.d/x.conf': '[Service]\nType=dbus\n',
        '/etc/systemd/system/other.service':
          '[Service]\nExecStart=/usr/bin/podman run q.io/other:1\n',
        '/etc/systemd/system/multi-user.target.wants/app.service': '-> ../app.service',
      },
      ['app.service none', 'other.service none'],
      ['bad-setting /etc/systemd/system/app.service.d/x.conf:2'],
    ],
    [
      'no service: a pod forks, a build and a volume may have several commands',
      {
        [`${quadlets}/p.pod`]: `[Pod]\nPodmanArgs=--infra-image=q.io/p:1\n[Service]\nType=oneshot\nRestart=always\n${wanted}`,
        [`${quadlets}/v.volume`]: `[Volume]\nDriver=image\nImage=q.io/v:1\n[Service]\nExecStart=/bin/true\n${wanted}`,
      },
      ['p-pod.service boot', 'v-volume.service boot'],
      [],
    ],
    [
      'no service: of a drop-in it drops what follows a faulty setting',
      {
        [`${quadlets}/app.container`]: `[Container]\nImage=q.io/app:1\n${wanted}`,
        '/etc/systemd/system/app.service.d/a.conf':
          '[Service]\nExecStartPre=/bin/podman run q.io/pre:1\nUser=a:b\nExecStartPre=/bin/podman run q.io/no:1\nType=dbus\n',
        '/etc/systemd/system/app.service.d/b.conf':
          '[Service]\nExecStop=/bin/podman run q.io/stop:1\n',
      },
      Array.from({ length: 3 }, () => 'app.service boot'),
      ['unit-syntax /etc/systemd/system/app.service.d/a.conf:3'],
    ],
    [
      'to start a service whose required unit is masked',
      {
        [`${quadlets}/app.container`]: `[Unit]\nRequires=db.service\n[Container]\nImage=q.io/app:1\n${wanted}`,
        [`${quadlets}/web.container`]: `[Unit]\nBindsTo=app.service\n[Container]\nImage=q.io/web:1\n${wanted}`,
        [`${quadlets}/log.container`]: `[Unit]\nWants=db.service\n[Container]\nImage=q.io/log:1\n${wanted}`,
        '/etc/systemd/system/db.service': '-> /dev/null',
      },
      ['app.service none', 'log.service boot', 'web.service none'],
      [`required-unit ${quadlets}/app.container:2`, `required-unit ${quadlets}/web.container:2`],
    ],
  ];

for (const [name, tree, starts, wrong] of refused) {
  test(`systemd refuses ${name}`, async (t) => {
    const found = await discovered(t, { ...boot, ...tree });
    const activations = found.references.map(({ unit, activation }) => `${unit} ${activation}`);
    assert.deepEqual(activations, starts);
    assert.deepEqual(problems(found), wrong);
  });
}

for (const [name, tree, expected, wrong] of cases) {
  test(`the service that systemd makes of a Quadlet unit: ${name}`, async (t) => {
    const found = await discovered(t, tree);
    assert.deepEqual(images(found), expected);
    assert.deepEqual(problems(found), wrong);
  });
}
