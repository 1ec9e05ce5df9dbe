import { counted } from '../../common/counted.ts';
import { formatBytes } from '../../common/format-bytes.ts';
import type { Whole } from './fetches.ts';

/** `3 of 11 images, 97 MB of 390 MB, 12.3 MB/s, 24 s left`; of one image, bytes alone. */
export function wholeLine({ images, done, failed, bytes, total, rate }: Whole): string {
  const parts = images === 1 && total > 0 ? [] : [`${done} of ${counted(images, 'image')}`];
  if (failed > 0) parts.push(`${failed} failed`);
  if (total > 0) parts.push(`${formatBytes(bytes)} of ${formatBytes(total)}`);
  if (bytes < total && rate !== undefined) {
    parts.push(`${formatBytes(Math.round(rate))}/s`);
    if (rate >= 1) parts.push(`${timeText((total - bytes) / rate)} left`);
  }
  return parts.join(', ');
}

/** `45 s`, `3 min 20 s` or `2 h 5 min`. */
export function timeText(seconds: number): string {
  const whole = Math.max(1, Math.ceil(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
