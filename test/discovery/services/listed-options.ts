/** An option as the help of a program lists it. */
export interface ListedOption {
  readonly long?: string;
  readonly short?: string;
  /** Whether the next word is its value, unless the value is joined with it. */
  readonly takesValue: boolean;
}

/** `-u, --user <user>`, `-H --host=HOST`, `--nofile[=<limits>]`, `-c command`. */
const line =
  /^ {1,8}(?:-(\w)(?:[, ] ?-(\w))?(?:,? +|(?=\[)|$))?(?:--([a-z][\w-]*))?(?:, --[a-z-]+)?(\[?[= ]?(?:<[^>]+>|\[[^\]]+\]|@?[A-Z{][A-Z_]+(?=[\s=@:.]|$)|[a-z]+\|[^ ]+)\]?|=\S+| [a-z]+(?= {2}))?/;

/** The options that the help of a program lists, of coreutils, util-linux, systemd and others. */
export function listedOptions(help: string): readonly ListedOption[] {
  return help.split('\n').flatMap((text): ListedOption[] => {
    const [, first, second, long, value] = line.exec(text) ?? [];
    if (first === undefined && long === undefined) return [];
    const takesValue = value !== undefined && !value.startsWith('[=');
    const names = [first, second].filter((name) => name !== undefined);
    if (names.length === 0) return [{ ...(long ? { long } : {}), takesValue }];
    return names.map((short) => ({ short, ...(long ? { long } : {}), takesValue }));
  });
}
