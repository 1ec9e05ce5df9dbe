// Puts what the demo prints (on standard input) into the README, masked.
import { readFileSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { maskTranscript } from '../test/support/transcript.ts';

const readme = new URL('../README.md', import.meta.url);
const block = `<!-- demo -->\n\`\`\`console\n${maskTranscript(await text(process.stdin))}\`\`\``;
const before = readFileSync(readme, 'utf8');
writeFileSync(
  readme,
  before.replace(/<!-- demo -->\n```console\n[^]*?```/, () => block),
);
