import { join } from 'node:path';
import type { HostOptions } from './options.ts';

/** Whether engine and state are the calling user's, not the system's. */
export function isUser(options: Pick<HostOptions, 'user'>): boolean {
  return options.user === true || process.geteuid?.() !== 0;
}

/** The directories that may hold a berth.toml, from the weakest to the strongest. */
export function configDirectories(
  user: boolean,
  environment: NodeJS.ProcessEnv,
): readonly string[] {
  const system = ['/usr/lib/berth', '/run/berth', '/etc/berth'];
  return user ? [...system, join(xdg(environment, 'XDG_CONFIG_HOME', '.config'), 'berth')] : system;
}

/** The state directory if nothing else is set. */
export function defaultStateDirectory(user: boolean, environment: NodeJS.ProcessEnv): string {
  return user
    ? join(xdg(environment, 'XDG_STATE_HOME', '.local/state'), 'berth')
    : '/var/lib/berth';
}

/** A directory by the XDG base directory specification, which ignores relative paths. */
function xdg(environment: NodeJS.ProcessEnv, variable: string, fallback: string): string {
  const value = environment[variable];
  return value?.startsWith('/') ? value : join(environment['HOME'] ?? '/', fallback);
}
