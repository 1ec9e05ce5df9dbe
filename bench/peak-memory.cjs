// Loaded into berth by the bench: writes the peak of its resident memory, in bytes, at its end.
const { writeFileSync } = require('node:fs');

process.on('exit', () => {
  writeFileSync(process.env.BERTH_BENCH_PEAK, String(process.resourceUsage().maxRSS * 1024));
});
