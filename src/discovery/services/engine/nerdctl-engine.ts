import { RootError } from '../../../root/root.ts';
import { followed } from '../../../systemd/etc.ts';
import { engineUnknown, type Placement } from '../../engines/placement.ts';
import type { ContainerCommand } from '../read-command.ts';
import type { ServiceContext, ServicePlace } from '../service-place.ts';
import { containerdEngine } from './containerd-engine.ts';
import type { Setting } from './setting.ts';

/**
 * containerd as a nerdctl of root uses it.
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
  return containerdEngine(command, place, context, await configuration(context));
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
