/**
 * The demo's output with what differs from run to run masked, as the README shows it. Images are
 * fetched side by side, so the lines that say so are put in order.
 */
export function maskTranscript(text: string): string {
  const masked = text
    .replace(/sha256:[0-9a-f]{12,}/g, 'sha256:xxxxxxxxxxxx')
    .replace(/\d+\.\d s, [\d.]+ [kMG]?B\/s/g, '… s, … MB/s')
    .replace(/ in \d+\.\d s$/gm, ' in … s')
    .replace(/[\d.]+ [kMGT]?B free/g, '… GB free')
    .replace(/\/\S*\/berth-demo-\w+/g, '/tmp/berth-demo')
    .trimStart();
  return sortedRuns(masked.split('\n'), (line) => line.startsWith('fetched ')).join('\n');
}

function sortedRuns(lines: readonly string[], isRun: (line: string) => boolean): string[] {
  const sorted: string[] = [];
  let run: string[] = [];
  for (const line of lines) {
    if (isRun(line)) run.push(line);
    else {
      sorted.push(...run.sort(), line);
      run = [];
    }
  }
  return [...sorted, ...run.sort()];
}
