import type { SystemdUnit } from '../../systemd/systemd-unit.ts';
import type { UnitEntry } from '../../systemd/unit-file.ts';
import { socketKeys } from '../../systemd/wanted-keys.ts';

/**
 * A socket as a service with the same commands: sockets have commands that run before and after they listen. Mounts,
 * swaps and other units have no commands.
 *
 * Source: systemd.socket(5).
 */
export function asService(socket: SystemdUnit): SystemdUnit {
  return { ...socket, entries: socket.entries.map(inService) };
}

function inService(entry: UnitEntry): UnitEntry {
  if (entry.group !== 'Socket' || !socketKeys.includes(entry.key)) return entry;
  const key = entry.key === 'ExecStopPre' ? 'ExecStop' : entry.key;
  return { ...entry, group: 'Service', key };
}
