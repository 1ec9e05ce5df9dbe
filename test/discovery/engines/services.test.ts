import { engineTests } from './found.ts';
import { service } from './trees.ts';

engineTests([
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
]);
