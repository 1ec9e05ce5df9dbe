import { posix } from 'node:path';

/** Programs that run a file in a language that berth does not follow. */
const names =
  /^(?:python|perl|ruby|node|nodejs|deno|bun|php|lua|tclsh|expect|[gmn]?awk|fish|t?csh|pwsh|guile|ansible-playbook|make|gmake|just)[\d.]*$/;

export function isInterpreter(program: string): boolean {
  return names.test(program);
}

/** The options that give the directory and the file of programs that look for a file of their own. */
const ownFiles: Readonly<Record<string, readonly [directory: RegExp, ...files: string[]]>> = {
  make: [/^(?:-C|--directory)$/, 'GNUmakefile', 'makefile', 'Makefile'],
  gmake: [/^(?:-C|--directory)$/, 'GNUmakefile', 'makefile', 'Makefile'],
  just: [/^(?:-d|--working-directory)$/, 'justfile', 'Justfile', '.justfile'],
};

/** The files that a program may read without being told their names. */
export function interpretedFiles(program: string, args: readonly string[]): readonly string[] {
  const [option, ...files] = ownFiles[program] ?? [];
  if (option === undefined) return [];
  const directories = args.flatMap((word, at) => {
    if (option.test(word)) return args[at + 1] ?? [];
    return /^(?:-C|--directory=|--working-directory=)(?=.)/.test(word)
      ? word.replace(/^(?:-C|--[a-z-]+=)/, '')
      : [];
  });
  const directory = directories.at(-1) ?? '.';
  return files.map((name) => posix.join(directory, name));
}
