// Writes all manual pages into a directory: berth.1 and a page for each command, which say what --help says, and the
// pages of packaging/man, with the date and the version.
import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { Command, Option } from 'commander';
import { programOf } from '../src/cli/program.ts';
import { version } from '../src/common/version.ts';

const home = resolve(import.meta.dirname, '..');
const [directory] = process.argv.slice(2);
if (directory === undefined) {
  console.error('man: expected a directory to write to');
  process.exit(2);
}
mkdirSync(directory, { recursive: true });
const LAST_COMMIT = ['log', '-1', '--format=%ct'];
const footer = `"${dateOf(process.env['SOURCE_DATE_EPOCH'])}" "berth ${version}" "berth"`;
const program = await programOf([]);
const names = program.commands.map((command) => command.name());
write('berth', [
  ...head(program, program.description()),
  heading('Commands'),
  ...program.commands.flatMap((command) => [
    '.TP',
    `.BR ${text(`berth-${command.name()}`)} (1)`,
    text(command.summary()),
  ]),
  ...options(program),
  ...['exit-status', 'files', 'environment'].map(part),
  ...rest(program, ['berth.toml(5)', 'berth-systemd(8)']),
]);
for (const name of names) {
  const command = (await programOf([name])).commands.find((one) => one.name() === name);
  if (command === undefined) throw new Error(`${name} is no command of its own program`);
  write(`berth-${name}`, [
    ...head(command, command.summary()),
    ...options(command),
    ...['exit-status', 'elsewhere'].map(part),
    ...rest(command, ['berth(1)', 'berth.toml(5)', 'berth-systemd(8)']),
  ]);
}
for (const page of globSync(join(home, 'packaging/man/*.[58]'))) {
  const named = readFileSync(page, 'utf8').replace(/^(\.TH \S+ \d).*/, `$1 ${footer}`);
  writeFileSync(join(directory, basename(page)), named);
}

/**
 * When this version was made, `YYYY-MM-DD`, the same for all builds: of the release by the change log, or else of
 * the commit. Empty in a tree that is neither released nor a checkout.
 *
 * @param epoch what reproducible-builds.org/specs/source-date-epoch says of it, if the builder sets that.
 */
function dateOf(epoch: string | undefined): string {
  const log = readFileSync(join(home, 'CHANGELOG.md'), 'utf8');
  const heading = new RegExp(
    `^## ${version.replaceAll('.', '\\.')} \\((\\d{4}-\\d\\d-\\d\\d)\\)`,
    'm',
  );
  const released = heading.exec(log)?.[1];
  if (released !== undefined) return released;
  const seconds = epoch || spawnSync('git', LAST_COMMIT, { cwd: home, encoding: 'utf8' }).stdout;
  return seconds ? new Date(Number(seconds) * 1000).toISOString().slice(0, 10) : '';
}

function write(page: string, lines: readonly string[]): void {
  const title = `.TH ${page.toUpperCase().replaceAll('-', '\\-')} 1 ${footer}`;
  writeFileSync(join(directory ?? '', `${page}.1`), `${[title, ...lines].join('\n')}\n`);
}

/** Sections that several pages have. */
function part(name: string): string {
  return readFileSync(join(home, `packaging/man/parts/${name}.roff`), 'utf8').trimEnd();
}

function head(command: Command, summary: string): string[] {
  const usage = command.createHelp().commandUsage(command);
  const name = command.parent === null ? 'berth' : `berth-${command.name()}`;
  return [
    heading('Name'),
    `${text(name)} \\- ${text(summary.replace(/\.$/, ''))}`,
    heading('Synopsis'),
    `.B ${text(usage)}`,
    heading('Description'),
    text(command.description()),
    ...afterHelp(command)
      .filter(({ title }) => title === undefined)
      .flatMap(({ body }) => ['.PP', text(body)]),
  ];
}

/** The sections of the help that have titles, but for the exit codes, which all pages have. */
function rest(command: Command, seeAlso: readonly string[]): string[] {
  return [
    ...afterHelp(command).flatMap(({ title, body }) =>
      title === undefined || title === 'Exit codes' ? [] : section(title, body),
    ),
    heading('See also'),
    seeAlso.map((page) => text(page)).join(', '),
  ];
}

/** A section for each group of options in the help. */
function options(command: Command): string[] {
  const help = command.createHelp();
  const groups = Map.groupBy(
    help.visibleOptions(command),
    ({ helpGroupHeading = 'Options:' }: Option) => helpGroupHeading,
  );
  return [...groups].flatMap(([title, group]) => [
    heading(title.replace(/:$/, '')),
    ...group.flatMap((option) => [
      '.TP',
      `.B ${text(help.optionTerm(option))}`,
      text(help.optionDescription(option)),
    ]),
  ]);
}

interface Paragraph {
  /** `Examples` of a paragraph that begins with `Examples:`. */
  readonly title: string | undefined;
  readonly body: string;
}

/** What the help says below the list of options. */
function afterHelp(command: Command): Paragraph[] {
  let whole = '';
  command.configureOutput({ writeOut: (part) => (whole += part) }).outputHelp();
  const own = command.createHelp().formatHelp(command, command.createHelp());
  return whole
    .slice(own.length)
    .split('\n\n')
    .map((paragraph) => paragraph.replace(/^\n+|\n+$/g, ''))
    .filter((paragraph) => paragraph !== '')
    .map((paragraph) => {
      const title = /^([A-Z][a-z]+(?: [a-z]+)*):\s/.exec(paragraph)?.[1];
      return { title, body: title === undefined ? paragraph : paragraph.slice(title.length + 1) };
    });
}

function section(title: string, body: string): string[] {
  if (title !== 'Examples') return [heading(title), text(body.trim())];
  const lines = body.replace(/^\n/, '').split('\n');
  return [heading(title), '.nf', ...lines.map((line) => text(line.slice(2))), '.fi'];
}

function heading(title: string): string {
  return `.SH ${title.toUpperCase()}`;
}

/** Text that roff prints as it is: its own signs escaped, and dashes that can be pasted. */
function text(plain: string): string {
  return plain
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/[^\p{ASCII}]/gu, (sign) => `\\[u${unicode(sign)}]`)
    .replace(/^(?=[.'])/gm, '\\&');
}

function unicode(sign: string): string {
  return (sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
}
