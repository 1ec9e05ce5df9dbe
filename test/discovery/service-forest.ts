import fc from 'fast-check';
import type { Tree } from '../support/tree.ts';
import { type CommandService, composeService, engineService } from './command-services.ts';

/** The number of Quadlet units and plain services in one boot, each with all that changes it. */
export const UNITS_A_BOOT = 300;

/**
 * A Quadlet unit or a plain service with everything of systemd that may change it or start it:
 * drop-ins in several directories, instances, an alias, a service of the same name, and units that
 * start it. Each image name begins with `q.io/` and the number of its unit.
 */
export const serviceTree = (): fc.Arbitrary<(id: number) => Tree> =>
  fc
    .record({
      type: fc.constantFrom(...types),
      command: engineService,
      compose: composeService,
      isTemplate: fc.constantFrom(false, false, true),
      tag: fc.constantFrom('1', '${TAG}', '${TAG}', '$TAG', '%i', '%p', '%N', '${WIDE}'),
      lines: fc.array(fc.oneof(variable, setting), { maxLength: 4 }),
      install: fc.subarray(['WantedBy=multi-user.target', 'DefaultInstance=d', 'Alias=ALIAS']),
      quadletDropIn: fc.option(
        fc.array(fc.oneof(variable, setting), { minLength: 1, maxLength: 2 }),
        { freq: 3 },
      ),
      dropIns: fc.array(dropIn, { maxLength: 4 }),
      instances: fc.subarray(['link', 'wants', 'file', 'own']),
      override: fc.option(fc.constantFrom('mask', 'service'), { freq: 5 }),
      starters: fc.subarray(Object.keys(starters), { maxLength: 2 }),
      need: fc.option(need, { freq: 3 }),
    })
    .map((made) => (id: number) => written(id, made));

const types = [
  'container',
  'container',
  'container',
  'service',
  'service',
  'service',
  'image',
  'volume',
  'kube',
  'pod',
  'command',
  'command',
  'compose',
] as const;

/** Settings that add variables or take them away. */
const variable = fc.constantFrom(
  'Environment=TAG=2',
  'Environment="TAG=3" OTHER=x',
  'Environment=',
  'EnvironmentFile=/etc/tags/four',
  'EnvironmentFile=-/etc/tags/none',
  'EnvironmentFile=-/etc/tags/%p',
  'EnvironmentFile=',
  'UnsetEnvironment=TAG',
  'PassEnvironment=TAG',
  'Environment=CONTAINERD_NAMESPACE=k8s.io',
  'Environment=DOCKER_HOST=unix:///run/podman/podman.sock',
);

/** Commands, and settings on which it depends whether systemd accepts the service. */
const setting = fc.constantFrom(
  'ExecStartPre=/usr/bin/podman run --rm q.io/uID-pre:${TAG}',
  'ExecStartPre=-/usr/bin/podman pull q.io/uID-pull:%N',
  'ExecStartPre=',
  'ExecStartPost=/bin/sh -c "podman run q.io/uID-post:1"',
  'ExecCondition=/usr/bin/podman run q.io/uID-condition:%i1',
  'ExecStart=',
  'ExecStart=/usr/bin/podman run q.io/uID-start:1',
  'ExecStart=/usr/bin/podman info',
  'ExecStop=/usr/bin/podman run q.io/uID-stop:1',
  'ExecStopPost=-/usr/bin/podman run q.io/uID-stop-post:${OTHER}',
  'Type=oneshot',
  'Type=notify',
  'Type=exec',
  'Type=dbus',
  'Type=other',
  'Restart=always',
  'Restart=on-failure',
  'RemainAfterExit=yes',
  'RemainAfterExit=no',
  'User=app',
  'User=',
);

/** Lines in a drop-in after which systemd reads nothing more of the file. */
const faulty = fc.constantFrom(
  'ExecStartPre=bin/podman run q.io/uID-relative:1',
  'ExecStartPre=/usr/bin/podman run q.io/uID-specifier:%Q',
  'User=a:b',
  'WorkingDirectory=srv',
);

/**
 * Units that a service asks for: some that are there, and some without which it does not start. Whether
 * the unit of `Requisite=` has started by then is left to chance, if it can start at all.
 */
const need = fc.constantFrom(
  ...['Requires', 'BindsTo', 'Requisite', 'Wants', 'After']
    .flatMap((key) =>
      ['none', 'masked', 'refused', 'needy', 'there'].map((name) => `${key}=all-${name}.service`),
    )
    .filter((line) => line !== 'Requisite=all-there.service'),
);

const replacement = fc.constantFrom(
  'ExecStart=\nExecStart=/usr/bin/podman run q.io/uID-new:${TAG}',
  'ExecStart=\nExecStart=/usr/bin/podman run q.io/uID-new:${TAG}\nType=exec',
  'ExecStartPre=\nExecStartPre=/usr/bin/podman run q.io/uID-new-pre:1',
);

interface DropIn {
  readonly directory: string;
  /** The unit whose directory holds the drop-in. */
  readonly of: 'service' | 'prefix' | 'instance' | 'alias';
  readonly name: string;
  readonly lines: readonly string[];
}

const dropIn: fc.Arbitrary<DropIn> = fc.record({
  directory: fc.constantFrom('etc', 'usr/lib', 'usr/local/lib'),
  of: fc.constantFrom('service', 'service', 'prefix', 'instance', 'alias'),
  name: fc.constantFrom('10', '20', '30'),
  lines: fc.array(
    fc.oneof(
      { weight: 3, arbitrary: variable },
      { weight: 3, arbitrary: setting },
      { weight: 1, arbitrary: replacement },
      { weight: 1, arbitrary: faulty },
    ),
    { minLength: 1, maxLength: 3 },
  ),
});

interface Made {
  readonly type: (typeof types)[number];
  readonly command: CommandService;
  readonly compose: CommandService;
  readonly isTemplate: boolean;
  readonly tag: string;
  readonly lines: readonly string[];
  readonly install: readonly string[];
  readonly quadletDropIn: readonly string[] | null;
  readonly dropIns: readonly DropIn[];
  readonly instances: readonly string[];
  readonly override: string | null;
  readonly starters: readonly string[];
  readonly need: string | null;
}

const quadlets = '/etc/containers/systemd';
const admin = '/etc/systemd/system';
const vendor = '/usr/lib/systemd/system';

/** The names of a tree's units. */
interface Names {
  readonly id: number;
  readonly type: Made['type'];
  /** The file without its type: `u1-x@`. */
  readonly base: string;
  /** The file's type: `container`, `service`. */
  readonly ending: string;
  /** `u1-x@.service` */
  readonly service: string;
  readonly alias: string;
  /** A name by which the service can be started: an instance of a template. */
  readonly startable: string;
}

function written(id: number, made: Made): Tree {
  const { type } = made;
  const isPlain = ['service', 'command', 'compose'].includes(type);
  const ending = isPlain ? 'service' : type;
  const hasInstances = ['container', 'kube', 'service'].includes(ending);
  const at = made.isTemplate && hasInstances ? '@' : '';
  const suffix = hasInstances ? '' : `-${type}`;
  const service = `u${id}-x${suffix}${at}.service`;
  const names = {
    id,
    type,
    base: `u${id}-x${at}`,
    ending,
    service,
    alias: `u${id}-alias${at}.service`,
    startable: at === '' ? service : service.replace('@', '@s'),
  };
  const { install, override } = made;
  const lines = made.lines.filter((line) => suits(type, line, 'own'));
  const command = type === 'command' || type === 'compose' ? made[type] : undefined;
  const own = command === undefined ? bodies(id, made.tag)[type] : section(command.lines);
  const unit = made.need === null ? '' : `[Unit]\n${made.need}\n`;
  const body = `${unit}${own}\n[Service]\n${lines.join('\n')}\n[Install]\n${install.join('\n')}\n`;
  const tree: Record<string, string> = isPlain
    ? { ...command?.files, ...plainService(names, body, install) }
    : { [`${quadlets}/${names.base}.${type}`]: body };
  if (type === 'kube') Object.assign(tree, manifests(id));
  if (made.quadletDropIn !== null && !isPlain) {
    tree[`${quadlets}/${names.base}.${type}.d/10.conf`] = section(
      made.quadletDropIn.filter((line) => suits(type, line, 'own')),
    );
  }
  for (const each of made.dropIns) {
    tree[dropInPath(each, names)] = section(
      each.lines.filter((line) => suits(type, line, 'drop-in')),
    );
  }
  // A link to a Quadlet file has its Alias=, too: the last link that the generator writes counts, and
  // it may write them in any order.
  const ways = made.instances.filter(
    (way) => way !== 'file' || isPlain || !install.includes('Alias=ALIAS'),
  );
  for (const way of at === '' ? [] : ways) Object.assign(tree, instances[way]?.(names));
  for (const way of made.starters) Object.assign(tree, starters[way]?.(names));
  if (override !== null) {
    tree[`${admin}/${service}`] = override === 'mask' ? '-> /dev/null' : overriding;
  }
  return Object.fromEntries(
    Object.entries(tree).map(([path, text]) => [
      path.replaceAll('uID', `u${id}`),
      text.replaceAll('uID', `u${id}`).replaceAll('ALIAS', names.alias),
    ]),
  );
}

/**
 * Whether a line may stand in the units of a type. The generator of podman 5.4 replaces the last
 * `Environment=` of a pod by its own, and a pod whose command does not leave a process of root fails.
 */
function suits(type: Made['type'], line: string, place: 'own' | 'drop-in'): boolean {
  if (type !== 'pod') return true;
  return (
    !/^(?:ExecStart|User)=/.test(line) && (place === 'drop-in' || !line.startsWith('Environment='))
  );
}

const overriding = '[Service]\nType=oneshot\nExecStart=/usr/bin/podman run q.io/uID-plain:${TAG}\n';

function section(lines: readonly string[]): string {
  return `[Service]\n${lines.join('\n')}\n`;
}

function bodies(id: number, tag: string): Readonly<Record<Made['type'], string>> {
  const yaml = tag === '%i' ? `u${id}-%i.yaml` : `u${id}-one.yaml`;
  const service = `[Service]\nExecStart=/usr/bin/podman run --rm q.io/u${id}:${tag}`;
  return {
    container: `[Container]\nImage=q.io/u${id}:${tag}\nExec=q.io`,
    image: `[Image]\nImage=q.io/u${id}:${tag}`,
    volume: `[Volume]\nDriver=image\nImage=q.io/u${id}:${tag}`,
    kube: `[Kube]\nYaml=${yaml}`,
    pod: `[Pod]\nPodmanArgs=--infra-image=q.io/u${id}:${tag}`,
    service,
    command: service,
    compose: service,
  };
}

function manifests(id: number): Tree {
  const files = ['one', 'a', 'b', 'c', 'd', 's'].map((name): [string, string] => [
    `${quadlets}/u${id}-${name}.yaml`,
    `kind: Pod\nspec: {containers: [{name: c, image: "q.io/u${id}-kube:${name}"}]}\n`,
  ]);
  return Object.fromEntries(files);
}

/** A plain service, enabled as `systemctl enable` does. */
function plainService(
  { service, alias, startable }: Names,
  body: string,
  install: readonly string[],
): Record<string, string> {
  const wants = install.some((line) => line.startsWith('WantedBy'));
  const link = `-> ${vendor}/${service}`;
  return {
    [`${vendor}/${service}`]: body,
    ...(wants ? { [`${admin}/multi-user.target.wants/${startable}`]: link } : {}),
    ...(install.some((line) => line.startsWith('Alias')) ? { [`${admin}/${alias}`]: link } : {}),
  };
}

function dropInPath({ directory, of, name }: DropIn, { id, service, alias }: Names): string {
  const units = {
    service,
    prefix: `u${id}-.service`,
    instance: service.replace('@', '@a'),
    alias,
  };
  const top = directory === 'etc' ? admin : `/${directory}/systemd/system`;
  return `${top}/${units[of]}.d/${name}.conf`;
}

/** The ways in which instances of a template come to start, or to have a file of their own. */
const instances: Readonly<Record<string, (names: Names) => Tree>> = {
  link: ({ service }) => ({
    [`${admin}/multi-user.target.wants/${service.replace('@', '@a')}`]: `-> ${admin}/${service}`,
  }),
  wants: ({ id, service }) =>
    atBoot(`u${id}-starter.service`, `[Unit]\nWants=${service.replace('@', '@b')}\n${ends}`),
  file: ({ ending, base }) =>
    ending === 'service'
      ? { [`${admin}/${base}c.service`]: `-> ${base}.service` }
      : { [`${quadlets}/${base}c.${ending}`]: `-> ${base}.${ending}` },
  own: ({ id, type, ending, base }) => {
    const directory = ending === 'service' ? admin : quadlets;
    const body = `${bodies(id, 'own')[type]}\n[Install]\nWantedBy=multi-user.target\n`;
    return { [`${directory}/${base}e.${ending}`]: body };
  },
};

/** The ways in which other units start a service, and some that start nothing. */
const starters: Readonly<Record<string, (names: Names) => Tree>> = {
  timer: ({ id, startable }) =>
    enabled('timers', `u${id}-t.timer`, `[Timer]\nOnActiveSec=1w\nUnit=${startable}\n`),
  'timer by name': ({ startable }) =>
    enabled('timers', startable.replace('.service', '.timer'), '[Timer]\nOnActiveSec=1w\n'),
  'timer that is not enabled': ({ id, startable }) => ({
    [`${vendor}/u${id}-n.timer`]: `[Timer]\nOnActiveSec=1w\nUnit=${startable}\n`,
  }),
  path: ({ id, startable }) =>
    enabled('paths', `u${id}-p.path`, `[Path]\nPathExists=/none\nUnit=${startable}\n`),
  socket: ({ id, startable }) =>
    enabled(
      'sockets',
      `u${id}-s.socket`,
      `[Socket]\nListenStream=/run/u${id}.socket\nService=${startable}\n`,
    ),
  'on success': ({ id, startable }) =>
    atBoot(`u${id}-ends.service`, `[Unit]\nOnSuccess=${startable}\n${ends}`),
  'on failure': ({ id, startable }) =>
    // No drop-in for `u1-.service` may add commands that run only after a start that does not fail.
    atBoot(
      `u${id}fails.service`,
      `[Unit]\nOnFailure=${startable}\n[Service]\nType=oneshot\nExecStart=/usr/bin/false\n`,
    ),
  'on failure of what does not fail': ({ id, startable }) =>
    atBoot(`u${id}-lasts.service`, `[Unit]\nOnFailure=${startable}\n${ends}`),
  target: ({ id, startable }) =>
    enabled('multi-user', `u${id}.target`, `[Unit]\nWants=${startable}\n`),
  'upheld by a service': ({ id, startable }) =>
    atBoot(`u${id}-upholds.service`, `[Unit]\nUpholds=${startable}\n${ends}`),
  'wanted by a refused service': ({ id, startable }) =>
    atBoot(`u${id}-refused.service`, `[Unit]\nWants=${startable}\n[Service]\nType=exec\n`),
  'wanted by a service that misses another': ({ id, startable }) =>
    atBoot(
      `u${id}-misses.service`,
      `[Unit]\nWants=${startable}\nRequires=all-none.service\n${ends}`,
    ),
  'required beside a missing unit': ({ id, startable }) =>
    atBoot(`u${id}-misses-too.service`, `[Unit]\nRequires=${startable} all-needy.service\n${ends}`),
  'wanted by a service that finds another missing late': ({ id, startable }) =>
    atBoot(
      `u${id}-late.service`,
      `[Unit]\nWants=${startable}\nRequisite=all-masked.service\n${ends}`,
    ),
  'required by what is wanted': ({ id, startable }) =>
    atBoot(`u${id}-requires.service`, `[Unit]\nRequires=${startable}\n${ends}`),
  'an empty file among links': ({ startable }) => ({
    [`${admin}/multi-user.target.wants/${startable}`]: '',
    [`${vendor}/multi-user.target.wants/${startable}`]: `-> ../${startable}`,
  }),
  'a link to the generated unit': ({ service, startable }) => ({
    [`${vendor}/multi-user.target.wants/${startable}`]: `-> /run/systemd/generator/${service}`,
  }),
};

/** A service that says when it is ready, since a drop-in may want it to. */
const ends = '[Service]\nType=oneshot\nExecStart=/usr/bin/podman info\n';

function atBoot(name: string, text: string): Tree {
  return enabled('multi-user', name, text);
}

function enabled(target: string, name: string, text: string): Tree {
  return {
    [`${vendor}/${name}`]: text,
    [`${admin}/${target}.target.wants/${name}`]: `-> ${vendor}/${name}`,
  };
}

/** The files that all trees share. */
export const sharedFiles: Tree = {
  [`${admin}/all-masked.service`]: '-> /dev/null',
  [`${vendor}/all-refused.service`]: '[Service]\nType=exec\n',
  [`${vendor}/all-needy.service`]: `[Unit]\nBindsTo=all-none.service\n${ends}`,
  [`${vendor}/all-there.service`]: `${ends}RemainAfterExit=yes\n`,
  '/etc/tags/four': 'TAG=4\nOTHER=y\n',
  // Programs that a shell starts may say that the service is ready, too.
  [`${vendor}/service.d/10-wide.conf`]: '[Service]\nEnvironment=WIDE=wide\nNotifyAccess=all\n',
};
