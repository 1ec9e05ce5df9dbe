import { type Root, RootError } from './root.ts';

/**
 * The architecture that a root runs on, by its name in Go. Read from the ELF header of a program
 * that every system has.
 *
 * @returns undefined if the root has no such program, or one of an unknown architecture.
 */
export function architectureOf(root: Root): string | undefined {
  for (const path of paths) {
    const start = startOf(root, path);
    const architecture = start === undefined ? undefined : elfArchitecture(start);
    if (architecture !== undefined) return architecture;
  }
  return undefined;
}

const paths = ['/usr/lib/systemd/systemd', '/lib/systemd/systemd', '/sbin/init', '/usr/bin/sh'];
const headerBytes = 20;

/** The architecture in an ELF header: e_ident and e_machine (System V ABI, chapter 4, "ELF Header"). */
export function elfArchitecture(start: Buffer): string | undefined {
  if (start.length < headerBytes || start.toString('latin1', 0, 4) !== '\x7fELF') return undefined;
  const is64 = start[4] === 2;
  const isLittle = start[5] === 1;
  if ((!is64 && start[4] !== 1) || (!isLittle && start[5] !== 2)) return undefined;
  const machine = isLittle ? start.readUInt16LE(18) : start.readUInt16BE(18);
  return machines.get(`${machine} ${is64 ? 64 : 32} ${isLittle ? 'little' : 'big'}`);
}

/** Go's names, by the number of e_machine, the class (32 or 64 bits) and the byte order. */
const machines: ReadonlyMap<string, string> = new Map([
  ['3 32 little', '386'],
  ['21 64 big', 'ppc64'],
  ['21 64 little', 'ppc64le'],
  ['22 64 big', 's390x'],
  ['40 32 little', 'arm'],
  ['62 64 little', 'amd64'],
  ['183 64 little', 'arm64'],
  ['243 64 little', 'riscv64'],
  ['258 64 little', 'loong64'],
]);

/**
 * The first bytes of a program, or undefined if it can't be read. No problem is reported here: if
 * a unit needs the file, the code that reads the unit reports it.
 */
function startOf(root: Root, path: string): Buffer | undefined {
  try {
    return root.readStart(path, headerBytes);
  } catch (error) {
    if (error instanceof RootError) return undefined;
    throw error;
  }
}
