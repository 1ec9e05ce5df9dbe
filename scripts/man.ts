// Writes berth.1 and a page for each command into a directory: what --help says, as roff.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { programOf } from '../src/cli/program.ts';
import { version } from '../src/common/version.ts';

const [directory] = process.argv.slice(2);
if (directory === undefined) {
  console.error('man: expected a directory to write to');
  process.exit(2);
}
mkdirSync(directory, { recursive: true });
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
  ...rest(program, ['berth.toml(5)', 'berth-systemd(8)']),
]);
for (const name of names) {
  const command = (await programOf([name])).commands.find((one) => one.name() === name);
  if (command === undefined) throw new Error(`${name} is no command of its own program`);
  write(`berth-${name}`, [
    ...head(command, command.summary()),
    ...rest(command, ['berth(1)', 'berth.toml(5)', 'berth-systemd(8)']),
  ]);
}

function write(page: string, lines: readonly string[]): void {
  const title = `.TH ${page.toUpperCase().replaceAll('-', '\\-')} 1 "" "berth ${version}" "berth"`;
  writeFileSync(join(directory ?? '', `${page}.1`), `${[title, ...lines].join('\n')}\n`);
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

function rest(command: Command, seeAlso: readonly string[]): string[] {
  return [
    ...options(command),
    ...afterHelp(command).flatMap(({ title, body }) =>
      title === undefined ? [] : section(title, body),
    ),
    heading('See also'),
    seeAlso.map((page) => text(page)).join(', '),
  ];
}

function options(command: Command): string[] {
  const help = command.createHelp();
  const shown = help.visibleOptions(command);
  return [
    heading('Options'),
    ...shown.flatMap((option) => [
      '.TP',
      `.B ${text(help.optionTerm(option))}`,
      text(help.optionDescription(option)),
    ]),
  ];
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
