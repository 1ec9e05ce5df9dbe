// Puts what the demo prints (on standard input) into docs/demo.md, masked.
import { readFileSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { maskTranscript } from '../test/support/transcript.ts';

const page = new URL('../docs/demo.md', import.meta.url);
const block = `<!-- demo -->\n\`\`\`console\n${maskTranscript(await text(process.stdin))}\`\`\``;
const before = readFileSync(page, 'utf8');
writeFileSync(
  page,
  before.replace(/<!-- demo -->\n```console\n[^]*?```/, () => block),
);
