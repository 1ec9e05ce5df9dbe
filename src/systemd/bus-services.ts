import { problemOf } from '../root/problem-of.ts';
import { type Root, RootError } from '../root/root.ts';
import { type Etc, followed } from './etc.ts';
import type { Problem } from './problem.ts';
import { parseSystemdUnit } from './systemd-unit-file.ts';
import type { Manager } from './unit-search-path.ts';

export interface BusServices {
  /** The units that the bus starts on demand, each by one of its names; sorted. */
  readonly services: readonly string[];
  readonly problems: readonly Problem[];
}

/**
 * Reads the activation files of the message bus. If two directories have a file of the same name,
 * the one in the earlier directory counts.
 *
 * Source: dbus-daemon(1), `standard_system_servicedirs` and `standard_session_servicedirs`.
 */
export function readBusServices(root: Root, etc: Etc, manager: Manager): BusServices {
  const directory = manager === 'system' ? 'system-services' : 'services';
  const services = new Set<string>();
  const problems: Problem[] = [];
  const seen = new Set<string>();
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof RootError)) throw error;
      problems.push(problemOf(error));
      return undefined;
    }
  };
  for (const parent of [etc, '/run', '/usr/local/share', '/usr/share', '/lib']) {
    const path = `${parent}/dbus-1/${directory}`;
    for (const { name } of attempt(() => root.list(followed(root, etc, path))) ?? []) {
      if (!name.endsWith('.service') || seen.has(name)) continue;
      seen.add(name);
      const file = `${path}/${name}`;
      const content = attempt(() => root.readFile(followed(root, etc, file), maxBytes)?.content);
      const service = content === undefined ? undefined : systemdService(content.toString(), file);
      if (service !== undefined) services.add(service);
    }
  }
  return { services: [...services].sort(), problems };
}

/** The limit for one activation file, which has about four lines. */
const maxBytes = 64 * 1024;

function systemdService(text: string, path: string): string | undefined {
  const { entries } = parseSystemdUnit(
    text,
    path,
    (group, key) => group === 'D-BUS Service' && key === 'SystemdService',
  );
  return entries.at(-1)?.value;
}
