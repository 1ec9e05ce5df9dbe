// Loaded into berth by the bench: writes the peak of its resident memory, in bytes, at its end.
// Not getrusage's maxrss, which a program inherits from what it was forked from.
const { readFileSync, writeFileSync } = require('node:fs');

process.on('exit', () => {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  writeFileSync(process.env.BERTH_BENCH_PEAK, String(Number(kilobytes) * 1024));
});
