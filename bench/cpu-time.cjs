// Loaded before berth: writes the processor time of its process, in microseconds, when it ends.
const { writeFileSync } = require('node:fs');

process.once('exit', () => {
  const { user, system } = process.cpuUsage();
  writeFileSync(process.env['BERTH_BENCH_CPU'], String(user + system));
});
