import { containerdIn } from '../../common/engine-id.ts';
import { RootError } from '../../root/root.ts';
import { followed } from '../../systemd/etc.ts';
import { engineUnknown, type Placement } from '../engines/placement.ts';
import type { ContainerCommand } from './programs.ts';
import type { ServiceContext, ServicePlace } from './service-place.ts';
import { optionOf, type Setting, variableOf } from './setting.ts';

/**
 * containerd in the namespace that nerdctl uses: its option, else the variable, else its
 * configuration, else `default`.
 *
 * Source: nerdctl, docs/config.md.
 *
 * @param isRoot whether root runs the command: others have a containerd of their own.
 */
export async function nerdctlEngine(
  command: ContainerCommand,
  isRoot: boolean,
  place: ServicePlace,
  context: ServiceContext,
): Promise<Placement> {
  if (!isRoot) return rootless;
  const configured = await configuration(context);
  const setting = (name: 'address' | 'namespace', variable: string): Setting =>
    optionOf(name, command) ?? variableOf(variable, place, context) ?? configured(name);
  const address = setting('address', 'CONTAINERD_ADDRESS');
  const namespace = setting('namespace', 'CONTAINERD_NAMESPACE');
  const fault = address.fault ?? namespace.fault;
  if (fault !== undefined) return engineUnknown(fault.message, fault.hint);
  if (!isDefault(address.text ?? defaultSocket)) return otherSocket;
  const engine = containerdIn(namespace.text ?? 'default');
  return engine === undefined ? badNamespace : { engine };
}

/** The settings of nerdctl.toml. */
async function configuration({ root, etc }: ServiceContext): Promise<(key: string) => Setting> {
  try {
    const file = root.readFile(followed(root, etc, `${etc}/nerdctl/nerdctl.toml`));
    if (file === undefined) return () => ({});
    const { parse } = await import('smol-toml');
    const table = parse(file.content.toString());
    return (key) => {
      const value = Object.hasOwn(table, key) ? table[key] : undefined;
      return typeof value === 'string' ? { text: value } : {};
    };
  } catch (error) {
    if (!(error instanceof RootError) && !(await isTomlError(error))) throw error;
    return () => ({ fault: unreadable });
  }
}

async function isTomlError(error: unknown): Promise<boolean> {
  const { TomlError } = await import('smol-toml');
  return error instanceof TomlError;
}

const defaultSocket = '/run/containerd/containerd.sock';

function isDefault(socket: string): boolean {
  return socket.replace(/^unix:\/\//, '').replace(/^\/var\/run\//, '/run/') === defaultSocket;
}

const unreadable = {
  code: 'engine-config',
  message:
    "expected TOML in /etc/nerdctl/nerdctl.toml, found something else, or a file that can't be read",
  hint: 'correct the file; nerdctl does not start with it as it is',
} as const;

const rootless = engineUnknown(
  "expected containerd of the system, found nerdctl run by a user, which asks that user's own containerd",
  'run the service as root, or with podman',
);

const otherSocket = engineUnknown(
  `expected containerd at ${defaultSocket}, found nerdctl with another address`,
  'remove the address, or leave the unit unbound',
);

const badNamespace = engineUnknown(
  'expected a namespace of containerd, found something else',
  'correct the namespace of nerdctl',
);
