import fc from 'fast-check';

/** The lines of [Service] that start containers, and the files that these lines cite; `uID` is a number. */
export interface CommandService {
  readonly lines: readonly string[];
  readonly files: Readonly<Record<string, string>>;
}

/** Commands of the engines, one or two of them behind a program that runs a command. */
export const engineService: fc.Arbitrary<CommandService> = fc
  .record({
    wrapper: fc.constantFrom(...wrappers()),
    commands: fc.array(fc.constantFrom(...commands()), { minLength: 1, maxLength: 2 }),
    tag: fc.constantFrom('1', '${TAG}', '%i', '%p', '$${TAG}', '${TAG:-none}'),
  })
  .map(({ wrapper, commands: [first = '', ...others], tag }) => ({
    lines: [`ExecStart=${wrapper(first, others)}`.replaceAll('TAGGED', () => tag)],
    files: {},
  }));

function commands(): readonly string[] {
  const image = 'q.io/uID-command:TAGGED';
  return [
    `podman run --rm ${image}`,
    `/usr/bin/podman pull -q ${image}`,
    `podman create --pull=missing ${image} sh`,
    `docker run --rm ${image}`,
    `/usr/bin/docker pull ${image}`,
    `docker -H unix:///run/docker.sock run -d ${image}`,
    `docker --host=unix:///run/podman/podman.sock pull ${image}`,
    `docker --context default create ${image}`,
    `nerdctl run -d ${image}`,
    `nerdctl -n k8s.io pull ${image}`,
    `nerdctl --namespace=own run ${image}`,
    `ctr images pull ${image}`,
    `ctr -n k8s.io run ${image} one`,
    `/usr/bin/ctr --namespace own image pull ${image}`,
  ];
}

/** Makes one command line of a command and, in a shell, of those after it. */
type Wrapper = (first: string, others: readonly string[]) => string;

/** Those that choose a user run as root, whatever `User=` says: only root may. */
function wrappers(): readonly Wrapper[] {
  const words = [
    '',
    '',
    '/usr/bin/env ',
    '/usr/bin/env -u OTHER TAG=7 ',
    'env CONTAINERD_NAMESPACE=env DOCKER_HOST=unix:///run/docker.sock ',
    'nice -n 5 ',
    '-/usr/bin/ionice -c 3 ',
    'chrt --other 0 ',
    'taskset --all-tasks 1 ',
    'timeout -k 5 --preserve-status 1m ',
    'setsid --wait ',
    'nohup ',
    'stdbuf -oL ',
    'flock --shared /run ',
    'prlimit --nofile=512 ',
    'systemd-cat -t name ',
    'nice setsid -w env OTHER=z ',
    '+runuser -u app -- ',
    '+/usr/sbin/runuser --user=app -- ',
    '+setpriv --reuid=app --clear-groups ',
    '+setpriv --reuid 1001 --clear-groups nice ',
  ];
  const shells = ['/bin/sh -c "', 'bash -ec "', '+su app -c "', 'nice sh -c "exec </dev/null; '];
  return [
    ...words.map(
      (before): Wrapper =>
        (first) =>
          `${before}${first}`,
    ),
    ...shells.map(
      (before): Wrapper =>
        (...all) =>
          `${before}${all.flat().join(' && ')}"`,
    ),
  ];
}

const project = `services:
  web: {image: "q.io/uID-web:\${TAG:-d}", depends_on: [db]}
  db: {image: "q.io/uID-db:\${DB:-1}"}
  job: {image: "q.io/uID-job:\${TAG-j}", profiles: [p], depends_on: [db]}
`;

/** Files that some projects have besides. */
const ownFiles: ReadonlyMap<string, string> = new Map([
  ['/srv/uID/.env', 'TAG=e\nCOMPOSE_PROFILES=p\n'],
  ['/srv/uID/compose.override.yaml', 'services: {db: {image: "q.io/uID-over:${DB:-2}"}}\n'],
  ['/srv/uID/sub/.env', 'DB=sub\nCOMPOSE_FILE=../other.yml\n'],
]);

/** A service that brings up a Compose project of its own. */
export const composeService: fc.Arbitrary<CommandService> = fc
  .record({
    program: fc.constantFrom('/usr/bin/docker compose', 'docker compose', 'docker-compose'),
    wrapper: fc.constantFrom('', '', 'env TAG=8 ', 'nice ', '+runuser -u app -- '),
    at: fc.constantFrom('/srv/uID', '/srv/uID', '-/srv/uID/', '/srv/uID/sub', '/'),
    options: fc.subarray(
      [
        '-f /srv/uID/compose.yaml',
        '--file=/srv/uID/other.yml',
        '--profile p',
        '--profile=*',
        '--env-file /srv/uID/v.env',
        '--project-directory /srv/uID',
        '-p %p',
      ],
      { maxLength: 2 },
    ),
    variables: fc.subarray(
      ['COMPOSE_PROFILES=p', 'COMPOSE_FILE=/srv/uID/other.yml', 'DB=${TAG}', 'TAG=v'],
      { maxLength: 2 },
    ),
    services: fc.constantFrom('', '', '', ' web', ' job', ' other web'),
    file: fc.constantFrom('compose.yaml', 'docker-compose.yml'),
    own: fc.subarray([...ownFiles.keys()], { maxLength: 2 }),
  })
  .map(({ program, wrapper, at, options, variables, services, file, own }) => ({
    lines: [
      `WorkingDirectory=${at}`,
      ...variables.map((each) => `Environment=${each}`),
      `ExecStart=${wrapper}${[program, ...options].join(' ')} up -d${services}`,
    ],
    files: {
      [`/srv/uID/${file}`]: project,
      '/srv/uID/other.yml': 'services: {other: {image: "q.io/uID-other:${TAG-o}"}}\n',
      '/srv/uID/v.env': 'TAG=file\nDB=\n',
      '/srv/uID/sub/x': '',
      ...Object.fromEntries(own.map((path) => [path, ownFiles.get(path) ?? ''])),
    },
  }));
